package kind

import (
	"strings"
	"text/template/parse"
	"time"
)

// A packerFunction is a function of Packer's templates; false for arguments it doesn't take.
type packerFunction func(args []any) (string, bool)

// functions are Packer's functions in a template that need neither the network nor the build.
func (t *ebs) functions(moment string) map[string]packerFunction {
	constant := func(s string) packerFunction { return func(args []any) (string, bool) { return s, len(args) == 0 } }
	return map[string]packerFunction{
		"timestamp": constant(moment),
		"uuid":      constant(moment),
		"strftime":  func(args []any) (string, bool) { return moment, len(args) == 1 },
		"isotime": func(args []any) (string, bool) {
			format, ok := allTexts(args)
			switch {
			case !ok || len(args) > 1:
				return "", false
			case moment == ebsMoment:
				return moment, true
			case len(args) == 0:
				return time.RFC3339, true
			}
			return time.Unix(1136239445, 0).UTC().Format(format[0]), true
		},
		"build_name":          constant(t.build),
		"build_type":          constant("amazon-ebs"),
		"lower":               ofText(strings.ToLower),
		"upper":               ofText(strings.ToUpper),
		"clean_resource_name": ofText(func(s string) string { return ebsPacker().ReplaceAllString(s, "-") }),
		"replace": func(args []any) (string, bool) {
			if len(args) != 4 {
				return "", false
			}
			n, isNumber := args[2].(int)
			s, ok := allTexts([]any{args[0], args[1], args[3]})
			if !isNumber || !ok {
				return "", false
			}
			return strings.Replace(s[2], s[0], s[1], n), true
		},
		"replace_all": func(args []any) (string, bool) {
			s, ok := allTexts(args)
			if !ok || len(s) != 3 {
				return "", false
			}
			return strings.ReplaceAll(s[2], s[0], s[1]), true
		},
	}
}

func ofText(f func(string) string) packerFunction {
	return func(args []any) (string, bool) {
		s, ok := allTexts(args)
		if !ok || len(s) != 1 {
			return "", false
		}
		return f(s[0]), true
	}
}

func allTexts(args []any) ([]string, bool) {
	out := make([]string, 0, len(args))
	for _, a := range args {
		s, ok := a.(string)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

// renderPacker renders a template of Packer's that calls functions alone; false for any other. Nothing in it
// can loop, and nothing reads more than it is given. It is evaluated here and not by text/template, which keeps the
// linker from leaving out unused methods (docs/architecture.md).
func renderPacker(text string, functions map[string]packerFunction) (string, bool) {
	if !strings.Contains(text, "{{") {
		return text, true
	}
	if len(text) > 4096 {
		return "", false
	}
	known := make(map[string]any, len(functions))
	for name := range functions {
		known[name] = true
	}
	trees, err := parse.Parse("t", text, "", "", known)
	if err != nil || len(trees) != 1 || trees["t"] == nil {
		return "", false
	}
	var b strings.Builder
	for _, n := range trees["t"].Root.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			b.Write(n.Text)
		case *parse.CommentNode:
		case *parse.ActionNode:
			value, ok := pipe(n.Pipe, functions)
			if !ok {
				return "", false
			}
			b.WriteString(value)
		default:
			return "", false
		}
	}
	return b.String(), true
}

// pipe is the value of commands of which each has the value before as its last argument.
func pipe(p *parse.PipeNode, functions map[string]packerFunction) (string, bool) {
	if len(p.Decl) > 0 {
		return "", false
	}
	value := ""
	for i, c := range p.Cmds {
		name, ok := c.Args[0].(*parse.IdentifierNode)
		if !ok {
			if s, literal := argument(c.Args[0], functions); literal && i == 0 && len(c.Args) == 1 {
				if value, ok = s.(string); ok {
					continue
				}
			}
			return "", false
		}
		args := make([]any, 0, len(c.Args))
		for _, a := range c.Args[1:] {
			v, literal := argument(a, functions)
			if !literal {
				return "", false
			}
			args = append(args, v)
		}
		if i > 0 {
			args = append(args, value)
		}
		f := functions[name.Ident]
		if f == nil {
			return "", false
		}
		if value, ok = f(args); !ok {
			return "", false
		}
	}
	return value, true
}

// argument is the value of an argument: a string, or an int.
func argument(n parse.Node, functions map[string]packerFunction) (any, bool) {
	switch n := n.(type) {
	case *parse.StringNode:
		return n.Text, true
	case *parse.NumberNode:
		return int(n.Int64), n.IsInt
	case *parse.IdentifierNode:
		if f := functions[n.Ident]; f != nil {
			return f(nil)
		}
	case *parse.PipeNode:
		return pipe(n, functions)
	}
	return nil, false
}
