package component

import "context"

// ExpandWith replaces each expression by what value says of its text.
func ExpandWith(text string, value func(string) (string, bool)) (string, error) {
	return expand(text, func(e expr) (string, bool, error) {
		v, ok := value(e.text)
		return v, ok, nil
	})
}

// Expressions lists what a text holds, as "kind:text".
func Expressions(text string) []string {
	names := map[exprKind]string{unknownExpr: "unknown", nameExpr: "name", chainExpr: "chain", loopExpr: "loop", ssmExpr: "ssm"}
	var out []string
	for _, e := range expressions(text) {
		out = append(out, names[e.kind]+":"+e.text)
	}
	return out
}

// Holds evaluates a condition without expressions.
func Holds(ctx context.Context, c *Condition, env []string) (bool, error) {
	j := &judge{expand: func(s string) (string, error) { return s, nil }, path: func(s string) string { return s }, env: env}
	return j.holds(ctx, c)
}

// RenderByLibrary is Render with YAML's library for all of it.
func RenderByLibrary(d *Document) []byte { return encode(tree(d)) }
