package dsl

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// assign gives variables their values, lowest precedence first: environment (Packer's names, then
// ours), files read unasked, -var-file in order, -var in order. Later ones win.
func (l *loader) assign(auto []string) {
	l.assignEnvironment("PKR_VAR_")
	l.assignEnvironment("IB_VAR_")
	for _, s := range l.parseAll(auto) {
		l.assignFile(s)
	}
	for _, name := range l.opts.VarFiles {
		l.assignVarFile(name)
	}
	for _, arg := range l.opts.Vars {
		l.assignArgument(arg)
	}
}

func (l *loader) assignEnvironment(prefix string) {
	if l.host.Env == nil || l.host.Envs == nil {
		return
	}
	for _, env := range slices.Sorted(slices.Values(l.host.Envs())) {
		name, ok := strings.CutPrefix(env, prefix)
		if v := l.variables[name]; ok && v != nil {
			if text, set := l.host.Env(env); set {
				l.assignText(v, env, text, 0)
			}
		}
	}
}

// assignText gives a variable a value written outside of any file. Text stands for itself where
// the variable's type is text, a number or not declared; elsewhere it is an expression.
func (l *loader) assignText(v *variable, filename, text string, skip int) {
	whole := hcl.Range{Filename: filename, Start: pos(text, skip), End: pos(text, len(text))}
	l.cfg.Files[filename] = &hcl.File{Bytes: []byte(text)}
	value := text[skip:]
	if v.sensitive {
		l.addSecret(value)
	}
	if v.typ == cty.String || v.typ == cty.Number || v.typ == cty.DynamicPseudoType {
		l.give(v, cty.StringVal(value), whole)
		return
	}
	if diags := tooDeep(filename, []byte(value)); diags.HasErrors() {
		v.broken = true
		l.report(diags...)
		return
	}
	expr, diags := hclsyntax.ParseExpression([]byte(value), filename, whole.Start)
	var parsed cty.Value
	if !diags.HasErrors() {
		var more hcl.Diagnostics
		parsed, more = expr.Value(nil)
		diags = append(diags, more...)
	}
	if diags.HasErrors() {
		v.set, v.broken = true, true
		l.report(mistake(whole, "Unsuitable value", "This value does not suit variable %q, which is %s (%s). Write it as an expression: true, or [\"a\", \"b\"], or {a = \"b\"}.",
			v.name, v.typ.FriendlyName(), place(v.at)))
		return
	}
	l.give(v, parsed, whole)
}

// pos is a byte offset of a text as a position.
func pos(text string, at int) hcl.Pos {
	before := text[:at]
	line := strings.Count(before, "\n")
	return hcl.Pos{Line: line + 1, Column: len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1, Byte: at}
}

func (l *loader) assignVarFile(typed string) {
	at := hcl.Range{Filename: "-var-file", Start: hcl.InitialPos, End: pos(typed, len(typed))}
	bad := func(format string, args ...any) {
		l.unreadVars = true
		l.cfg.Files[at.Filename] = &hcl.File{Bytes: []byte(typed)}
		l.report(mistake(at, "Unreadable variable file", format, args...))
	}
	if !strings.HasSuffix(typed, ".hcl") && !strings.HasSuffix(typed, ".json") {
		bad("The name of a variable file ends in .hcl or .json; %q does not.", typed)
		return
	}
	name, src, err := l.readVarFile(typed)
	switch {
	case errors.Is(err, errOutside):
		bad("The variable file %q is outside of the repository at %s, and only files in the repository are read here. "+
			"Copy it there, or pass its values with -var or IB_VAR_name.", typed, l.host.Root)
		return
	case errors.Is(err, fs.ErrNotExist):
		bad("The variable file %q doesn't exist. Check the path: it is relative to the working directory.", typed)
		return
	case err != nil:
		bad("The variable file %q cannot be read: %s.", typed, reason(err))
		return
	}
	s := parse(name, src)
	l.cfg.Files[name] = s.file
	l.report(s.diags...)
	l.assignFile(s)
}

var errOutside = errors.New("outside of the repository")

func (l *loader) readVarFile(typed string) (name string, src []byte, err error) {
	if name, inside := l.fromWorkingDirectory(typed); inside {
		if info, unknown := fs.Stat(l.host.FS, name); unknown == nil && info.Size() > maxFileSize {
			return name, nil, fmt.Errorf("it holds %d bytes; a variable file may hold at most %d", info.Size(), maxFileSize)
		}
		src, err = readRegular(l.host.FS, name)
		return name, src, err
	}
	if l.host.Named == nil {
		return "", nil, errOutside
	}
	return l.host.Named(typed)
}

func (l *loader) assignFile(s source) {
	if s.file == nil || s.diags.HasErrors() {
		l.unreadVars = true
		return
	}
	attrs, diags := s.file.Body.JustAttributes()
	l.report(diags...)
	for _, a := range sortedAttributes(attrs) {
		v := l.variables[a.Name]
		if v == nil {
			l.report(warning(a.NameRange, "Undeclared variable", "No variable %q is declared, so this value is not used.%s", a.Name,
				didYouMean(a.Name, slices.Collect(maps.Keys(l.variables)))))
			continue
		}
		value, valueDiags := a.Expr.Value(nil)
		l.report(valueDiags...)
		if valueDiags.HasErrors() {
			v.set, v.broken = true, true
			continue
		}
		l.give(v, value, a.Expr.Range())
	}
}

func (l *loader) assignArgument(arg string) {
	filename := "-var"
	name, _, ok := strings.Cut(arg, "=")
	if ok {
		filename += " " + name
	}
	at := hcl.Range{Filename: filename, Start: hcl.InitialPos, End: pos(arg, len(name))}
	v := l.variables[name]
	switch {
	case !ok:
		l.cfg.Files[filename] = &hcl.File{Bytes: []byte(arg)}
		l.report(mistake(at, "Invalid argument", "The argument of -var is name=value; %q holds no equals sign.", arg))
	case v == nil:
		// The value may be a secret meant for a variable whose name was mistyped.
		l.cfg.Files[filename] = &hcl.File{Bytes: []byte(name)}
		l.report(mistake(at, "Undeclared variable", "No variable %q is declared.%s Declare it with variable %q {}, or leave the argument out.", name,
			didYouMean(name, slices.Collect(maps.Keys(l.variables))), name))
	default:
		l.assignText(v, filename, arg, len(name)+1)
	}
}

// fromWorkingDirectory is a path as the user typed it as a path within the repository.
func (l *loader) fromWorkingDirectory(typed string) (string, bool) {
	typed = strings.ReplaceAll(typed, "\\", "/")
	if path.IsAbs(typed) || len(typed) > 1 && typed[1] == ':' {
		return within(l.host.Root, typed)
	}
	if l.host.Cwd == "" {
		return "", false
	}
	name := path.Join(l.host.Cwd, typed)
	return name, fs.ValidPath(name)
}

// within is an absolute path as a path relative to root; false when it is not below it.
func within(root, abs string) (string, bool) {
	root = path.Clean(strings.ReplaceAll(root, "\\", "/"))
	abs = path.Clean(abs)
	if abs == root {
		return ".", true
	}
	rel, ok := strings.CutPrefix(abs, strings.TrimSuffix(root, "/")+"/")
	return rel, ok && fs.ValidPath(rel)
}
