package dsl

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Load reads the configuration in host.Dir. The Config is never nil and always has Files, so that
// what is wrong can be drawn. Where a diagnostic is an error, the rest serves only to find more that is
// wrong: blocks may be missing from it, and those that are Broken are not whole.
// Diagnostics are sorted by file and line.
func Load(host Host, opts Options) (*Config, hcl.Diagnostics) {
	l := &loader{
		host:      host,
		opts:      opts,
		cfg:       &Config{Host: host, Files: map[string]*hcl.File{}},
		types:     map[string]*BlockType{},
		variables: map[string]*variable{},
		locals:    map[string]*local{},
		decls:     map[Addr]*decl{},
		compiled:  map[*Schema]*compiledSchema{},
		secrets:   map[string]bool{},
		hidden:    map[string]bool{},
	}
	for i := range opts.Types {
		l.types[opts.Types[i].Name] = &opts.Types[i]
	}
	l.load()
	l.cfg.Allows = l.cfg.allows()
	l.cfg.forgetSyntax()
	l.cfg.Secrets = slices.Sorted(maps.Keys(l.secrets))
	l.cfg.Partial = l.diags.HasErrors()
	if len(l.secrets) > 0 {
		// The diagnostic writer shows the values an expression refers to.
		for _, d := range l.diags {
			d.EvalContext = nil
		}
	}
	return l.cfg, tidy(l.diags)
}

// A loader is one Load on its way.
type loader struct {
	host  Host
	opts  Options
	cfg   *Config
	diags hcl.Diagnostics

	types     map[string]*BlockType
	variables map[string]*variable
	locals    map[string]*local
	decls     map[Addr]*decl // by address without Key
	order     []*decl        // as written
	settings  []*hcl.Block   // imagebuild {}
	compiled  map[*Schema]*compiledSchema
	functions map[string]function.Function
	path      cty.Value
	secrets   map[string]bool
	secretive bool            // something is sensitive
	declared  map[string]bool // what blocks are called, once that was asked; nil again when one is entered
	// unreadVars says that a variable file could not be read.
	unreadVars bool

	active []*node  // the values being evaluated, each for the sake of the next
	impure []string // functions called since the last look whose result changes from run to run
	blocks int      // nested blocks made by dynamic so far

	failures int             // expressions that could not be evaluated, for a reason reported wherever it arose
	nameless []*decl         // blocks whose names have to be evaluated
	hidden   map[string]bool // block types of which not all addresses are known, because of an error already reported
}

func (l *loader) report(diags ...*hcl.Diagnostic) { l.diags = append(l.diags, diags...) }

func (l *loader) load() {
	sources, auto := l.readConfiguration()
	l.functions = l.makeFunctions()
	l.functions[watchName] = l.watchFunc()
	l.path = l.pathValue()
	raw := l.declare(sources)
	if l.syntaxErrors(sources) || !l.checkVersions(raw) {
		return
	}
	l.declareVariables(raw)
	l.assign(auto)
	l.validateVariables()
	l.nameLater()
	for _, name := range slices.Sorted(maps.Keys(l.locals)) {
		l.force(&l.locals[name].node)
	}
	for _, d := range l.order {
		l.forceDecl(d)
	}
	before := errorCount(l.diags)
	l.decodeSettings()
	broken := errorCount(l.diags) > before // any block may depend on the settings
	for _, d := range l.order {
		if d.entered && d.typ.Name != dataType {
			l.decodeDecl(d, broken)
		}
	}
}

// syntaxErrors says whether a file could not be parsed. What follows would mostly be the
// consequences, and is not reported.
func (l *loader) syntaxErrors(sources []source) bool {
	for _, s := range sources {
		if s.diags.HasErrors() {
			return true
		}
	}
	return false
}
