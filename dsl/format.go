package dsl

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/rogpeppe/go-internal/diff"
)

// Format rewrites native syntax in its canonical layout. It moves white space only, so it may be
// given text that does not parse; FormatFile refuses such text.
func Format(src []byte) []byte { return hclwrite.Format(src) }

// FormatFile is Format for a file, whose syntax errors it reports instead of formatting around them.
func FormatFile(name string, src []byte) ([]byte, hcl.Diagnostics) {
	if diags := tooDeep(name, src); diags.HasErrors() {
		return src, diags
	}
	if _, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos); diags.HasErrors() {
		return src, diags
	}
	return Format(src), nil
}

// Formattable says whether fmt, walking a directory, formats a file of this name: configurations
// and variable files in native syntax. JSON has tools of its own.
func Formattable(name string) bool {
	for _, suffix := range []string{".ib.hcl", ".pkr.hcl", ".ibvars.hcl", ".pkrvars.hcl"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// FormatDiff is the unified diff from a file as it stands to the file as formatted; empty when they are equal.
func FormatDiff(name string, before, after []byte) []byte {
	return diff.Diff("a/"+name, before, "b/"+name, after)
}
