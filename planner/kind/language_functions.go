package kind

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/dsl"
)

// A functionGroup is some functions that a reader looks for in one place.
type functionGroup struct {
	title string
	names []string
}

func grouped() []functionGroup {
	return []functionGroup{
		{"Numbers", []string{"abs", "ceil", "floor", "log", "max", "min", "parseint", "pow", "signum", "sum"}},
		{"Text", []string{
			"chomp", "endswith", "format", "formatlist", "indent", "join", "lower", "regex", "regex_replace", "regexall", "replace", "split",
			"startswith", "strcontains", "strrev", "substr", "title", "trim", "trimprefix", "trimspace", "trimsuffix", "upper",
		}},
		{"Lists and maps", []string{
			"alltrue", "anytrue", "chunklist", "coalesce", "coalescelist", "compact", "concat", "contains", "distinct", "element", "flatten",
			"index", "keys", "length", "lookup", "merge", "range", "reverse", "setintersection", "setproduct", "setunion", "slice", "sort",
			"values", "zipmap",
		}},
		{"Types and errors", []string{"can", "convert", "try"}},
		{"Files", []string{
			"abspath", "basename", "dirname", "file", "filebase64", "fileexists", "fileset", "pathexpand", "templatefile",
		}},
		{"Encoding", []string{
			"base64decode", "base64encode", "base64gzip", "csvdecode", "jsondecode", "jsonencode", "textdecodebase64", "textencodebase64", "urlencode",
			"yamldecode", "yamlencode",
		}},
		{"Digests and ids", []string{"md5", "rsadecrypt", "sha1", "sha256", "sha512", "uuidv5"}},
		{"Addresses", []string{"cidrhost", "cidrnetmask", "cidrsubnet", "cidrsubnets"}},
		{"Time", []string{"formatdate", "rfc3339_parse", "timeadd", "unix_timestamp_parse"}},
		{"Environment, in the default of a variable alone", []string{"env"}},
		{
			"Changes on every run, so whatever depends on it is rebuilt every time (a warning says so)",
			[]string{"bcrypt", "legacy_isotime", "legacy_strftime", "timestamp", "uuidv4"},
		},
		{
			"An error here, because an expression has no network: use a [data block](#data) or a sensitive variable",
			[]string{"aws_secretsmanager", "aws_secretsmanager_raw", "consul_key", "vault"},
		},
	}
}

// functionGroups lists every function; one that is in no group comes last.
func functionGroups() string {
	left := dsl.Functions()
	var b strings.Builder
	b.WriteString("| Functions | |\n|---|---|\n")
	for _, g := range grouped() {
		fmt.Fprintf(&b, "| %s | %s |\n", g.title, codes(g.names))
		left = slices.DeleteFunc(left, func(n string) bool { return slices.Contains(g.names, n) })
	}
	if len(left) > 0 {
		fmt.Fprintf(&b, "| Others | %s |\n", codes(left))
	}
	return b.String()
}
