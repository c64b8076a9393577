package dsl_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// dump writes a configuration for people to read.
func dump(cfg *dsl.Config) string {
	var b strings.Builder
	if s := cfg.Settings; s.Project+s.Region+s.StagingPrefix != "" || s.StagingBucket.V != nil {
		fmt.Fprintf(&b, "settings project=%q region=%q bucket=%s prefix=%q\n", s.Project, s.Region, literal(s.StagingBucket.V), s.StagingPrefix)
	}
	for _, blk := range cfg.Data {
		dumpBlock(&b, "data ", blk)
	}
	for _, blk := range cfg.Blocks {
		dumpBlock(&b, "", blk)
	}
	for _, blk := range cfg.Unread {
		dumpBlock(&b, "unread ", blk)
	}
	if len(cfg.Secrets) > 0 {
		fmt.Fprintf(&b, "secrets %q\n", cfg.Secrets)
	}
	return b.String()
}

func dumpBlock(w io.Writer, prefix string, b *dsl.Block) {
	fmt.Fprintf(w, "%s%s  (%s)\n", prefix, b.Addr, short(b.Range))
	dumpBody(w, "  ", b.Body)
}

func dumpBody(w io.Writer, indent string, body *dsl.Body) {
	for _, name := range slices.Sorted(maps.Keys(body.Attrs)) {
		v := body.Attrs[name]
		fmt.Fprintf(w, "%s%s = %s  (%s%s)\n", indent, name, literal(v.V), short(v.Range), elements(v.Elems))
	}
	for _, n := range body.Blocks {
		fmt.Fprintf(w, "%s%s %q  (%s)\n", indent, n.Type, n.Labels, short(n.Range))
		if n.BySource == nil {
			dumpBody(w, indent+"  ", n.Body)
		}
		for _, s := range slices.Sorted(maps.Keys(n.BySource)) {
			fmt.Fprintf(w, "%s  for %s\n", indent, s)
			dumpBody(w, indent+"    ", n.For(s))
		}
	}
}

func elements(elems map[string]hcl.Range) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(elems)) {
		fmt.Fprintf(&b, " %s@%d,%d", k, elems[k].Start.Line, elems[k].Start.Column)
	}
	return b.String()
}

func short(r hcl.Range) string {
	return fmt.Sprintf("%d,%d-%d,%d", r.Start.Line, r.Start.Column, r.End.Line, r.End.Column)
}

func literal(x any) string {
	switch x := x.(type) {
	case nil:
		return "null"
	case dsl.Ref:
		return "<" + x.String() + ">"
	case []any:
		var parts []string
		for _, e := range x {
			parts = append(parts, literal(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(x)) {
			parts = append(parts, k+": "+literal(x[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case string, bool, int64, float64:
		raw, err := json.Marshal(x)
		if err != nil {
			return err.Error()
		}
		if _, isFloat := x.(float64); isFloat {
			return "float " + string(raw)
		}
		return string(raw)
	}
	return fmt.Sprintf("not plain: %T", x)
}

// printed draws diagnostics as a user sees them.
func printed(t *testing.T, cfg *dsl.Config, diags hcl.Diagnostics) string {
	t.Helper()
	var b strings.Builder
	if err := hcl.NewDiagnosticTextWriter(&b, cfg.Files, 0, false).WriteDiagnostics(diags); err != nil {
		t.Fatal(err)
	}
	for _, d := range diags {
		if d.Subject == nil {
			t.Errorf("diagnostic without a subject: %s", d.Summary)
		}
	}
	return b.String()
}
