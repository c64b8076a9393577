package dsl

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxRead bounds the files that become values.
const maxRead = 16 << 20

func (l *loader) fileFunctions() map[string]function.Function {
	return map[string]function.Function{
		"abspath": textFunc([]string{"path"}, func(args []string) (string, error) {
			if path.IsAbs(args[0]) {
				return path.Clean(args[0]), nil
			}
			return l.absolute(path.Join(l.host.Cwd, args[0])), nil
		}),
		"file": textFunc([]string{"path"}, func(args []string) (string, error) {
			raw, err := l.read(args[0])
			if err == nil && !utf8.Valid(raw) {
				err = function.NewArgErrorf(0, "%q is not text in UTF-8; use filebase64", args[0])
			}
			return string(raw), err
		}),
		"filebase64": textFunc([]string{"path"}, l.fileBase64),
		"fileexists": function.New(&function.Spec{
			Params: []function.Parameter{{Name: "path", Type: cty.String}},
			Type:   function.StaticReturnType(cty.Bool),
			Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return l.fileExists(args[0].AsString()) },
		}),
		"fileset": function.New(&function.Spec{
			Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "pattern", Type: cty.String}},
			Type:   function.StaticReturnType(cty.Set(cty.String)),
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
				return l.fileSet(args[0].AsString(), args[1].AsString())
			},
		}),
		"pathexpand": textFunc([]string{"path"}, l.pathExpand),
		"templatefile": function.New(&function.Spec{
			Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "vars", Type: cty.DynamicPseudoType, AllowMarked: true}},
			Type: func(args []cty.Value) (cty.Type, error) {
				v, err := l.render(args[0].AsString(), args[1])
				return v.Type(), err
			},
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return l.render(args[0].AsString(), args[1]) },
		}),
	}
}

// absolute is a path within the repository as an absolute one.
func (l *loader) absolute(name string) string { return path.Join(l.host.Root, name) }

// locate is a path as a configuration writes it, relative to the configuration's directory, as a
// path within the repository.
func (l *loader) locate(name string) (string, error) {
	name = strings.ReplaceAll(name, "\\", "/")
	if path.IsAbs(name) {
		if rel, ok := within(l.host.Root, name); ok {
			return rel, nil
		}
	} else if rel := path.Join(l.host.Dir, name); fs.ValidPath(rel) {
		return rel, nil
	}
	return "", function.NewArgErrorf(0, "%q leaves the repository, and nothing outside of it can be read", name)
}

func (l *loader) read(name string) ([]byte, error) {
	rel, err := l.locate(name)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(l.host.FS, rel)
	if err != nil {
		return nil, function.NewArgErrorf(0, "%q cannot be read: %s", name, reason(err))
	}
	if !info.Mode().IsRegular() || info.Size() > maxRead {
		return nil, function.NewArgErrorf(0, "%q is not a file of at most %d bytes", name, maxRead)
	}
	raw, err := fs.ReadFile(l.host.FS, rel)
	if err != nil {
		return nil, function.NewArgErrorf(0, "%q cannot be read: %s", name, reason(err))
	}
	return raw, nil
}

// fileBase64 reads beside the configuration first and then, as Packer does, from the working directory.
func (l *loader) fileBase64(args []string) (string, error) {
	raw, err := l.read(args[0])
	if err != nil && l.host.Cwd != "" && !path.IsAbs(args[0]) {
		if fromCwd, cwdErr := l.read(l.absolute(path.Join(l.host.Cwd, args[0]))); cwdErr == nil {
			raw, err = fromCwd, nil
		}
	}
	return base64.StdEncoding.EncodeToString(raw), err
}

func (l *loader) fileExists(name string) (cty.Value, error) {
	rel, err := l.locate(name)
	if err != nil {
		return cty.NilVal, err
	}
	info, err := fs.Stat(l.host.FS, rel)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cty.False, nil
	case err != nil:
		return cty.NilVal, function.NewArgErrorf(0, "%q cannot be looked at: %s", name, reason(err))
	case !info.Mode().IsRegular():
		return cty.NilVal, function.NewArgErrorf(0, "%q is not a regular file", name)
	}
	return cty.True, nil
}

func (l *loader) fileSet(dir, pattern string) (cty.Value, error) {
	rel, err := l.locate(dir)
	if err != nil {
		return cty.NilVal, err
	}
	if _, patternErr := doublestar.Match(pattern, ""); patternErr != nil {
		return cty.NilVal, function.NewArgErrorf(1, "%q is not a pattern: %s", pattern, patternErr)
	}
	var found []cty.Value
	err = fs.WalkDir(l.host.FS, rel, func(p string, e fs.DirEntry, walkErr error) error {
		if walkErr != nil {
			return walkErr
		}
		below := p
		if rel != "." {
			below = strings.TrimPrefix(strings.TrimPrefix(p, rel), "/")
		}
		matches, matchErr := doublestar.Match(pattern, below)
		if matchErr == nil && matches && e.Type().IsRegular() {
			found = append(found, cty.StringVal(below))
		}
		return matchErr
	})
	if err != nil {
		return cty.NilVal, function.NewArgErrorf(0, "%q cannot be listed: %s", dir, reason(err))
	}
	if len(found) == 0 {
		return cty.SetValEmpty(cty.String), nil
	}
	return cty.SetVal(found), nil
}

func (l *loader) pathExpand(args []string) (string, error) {
	rest, ok := strings.CutPrefix(args[0], "~")
	if !ok {
		return args[0], nil
	}
	if l.host.Env != nil && (rest == "" || rest[0] == '/' || rest[0] == '\\') {
		if home, set := l.host.Env("HOME"); set {
			return home + rest, nil
		}
	}
	return "", function.NewArgErrorf(0, "the home directory in %q is not known", args[0])
}

// render evaluates a template file, which sees its variables and every function but templatefile.
func (l *loader) render(name string, vars cty.Value) (cty.Value, error) {
	raw, err := l.read(name)
	if err != nil {
		return cty.DynamicVal, err
	}
	vars, marks := vars.Unmark()
	if !vars.Type().IsObjectType() && !vars.Type().IsMapType() || vars.IsNull() {
		return cty.DynamicVal, function.NewArgErrorf(1, "the variables of a template are a map")
	}
	if !utf8.Valid(raw) {
		return cty.DynamicVal, function.NewArgErrorf(0, "%q is not text in UTF-8", name)
	}
	if diags := tooDeep(name, raw); diags.HasErrors() {
		return cty.DynamicVal, templateError(name, diags)
	}
	expr, diags := hclsyntax.ParseTemplate(raw, name, hcl.InitialPos)
	if diags.HasErrors() {
		return cty.DynamicVal, templateError(name, diags)
	}
	ctx := &hcl.EvalContext{Functions: map[string]function.Function{}, Variables: map[string]cty.Value{}}
	for fname, f := range l.functions {
		if fname != "templatefile" {
			ctx.Functions[fname] = f
		}
	}
	for it := vars.ElementIterator(); it.Next(); {
		k, v := it.Element()
		ctx.Variables[k.AsString()] = v
	}
	for _, t := range expr.Variables() {
		if _, ok := ctx.Variables[t.RootName()]; !ok {
			return cty.DynamicVal, function.NewArgErrorf(1, "the template %q needs %q (line %d), which is not among its variables", name, t.RootName(), t.SourceRange().Start.Line)
		}
	}
	l.watch(expr)
	v, diags := expr.Value(ctx)
	if diags.HasErrors() {
		return cty.DynamicVal, templateError(name, explainRefs(diags))
	}
	return v.WithMarks(marks), nil
}

// templateError carries the first mistake in a template to the call that renders it.
func templateError(name string, diags hcl.Diagnostics) error {
	d := diags[0]
	for _, e := range diags {
		if e.Severity == hcl.DiagError {
			d = e
			break
		}
	}
	line := 0
	if d.Subject != nil {
		line = d.Subject.Start.Line
	}
	return function.NewArgError(0, fmt.Errorf("the template %s, line %d: %s: %s", name, line, d.Summary, d.Detail))
}

// envFunc is env in the default of a variable.
func (l *loader) envFunc() function.Function {
	return textFunc([]string{"key"}, func(args []string) (string, error) {
		if l.host.Env == nil {
			return "", nil
		}
		value, _ := l.host.Env(args[0])
		return value, nil
	})
}

// notHereFunc is env anywhere else.
func notHereFunc() function.Function {
	return textFunc([]string{"key"}, func([]string) (string, error) {
		return "", errors.New("env can be called in the default of a variable only; declare one, and refer to it")
	})
}
