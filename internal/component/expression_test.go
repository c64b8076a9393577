package component_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/component"
)

func TestExpressions(t *testing.T) {
	for text, want := range map[string][]string{
		"plain":                             nil,
		"{{X}}":                             {"name:X"},
		"a {{ My-Name_1 }} b {{ x }}":       {"name:My-Name_1", "name:x"},
		"{{ build.S.outputs.stdout }}":      {"chain:build.S.outputs.stdout"},
		"{{ build.S.inputs[2].path }}":      {"chain:build.S.inputs[2].path"},
		"{{ build.S.inputs[-1].path }}":     {"unknown:build.S.inputs[-1].path"},
		"{{ build.S.outputs[x].path }}":     {"unknown:build.S.outputs[x].path"},
		"{{ build.S.other.path }}":          {"unknown:build.S.other.path"},
		"{{ loop.value }}{{ L.index }}":     {"loop:loop.value", "loop:L.index"},
		"{{ aws:ssm:/a/b }}":                {"ssm:aws:ssm:/a/b"},
		"{{ aws:ssm:resolve(Ref) }}":        {"ssm:aws:ssm:resolve(Ref)"},
		"{{ aws:ssm:resolve(aws:ssm:/a) }}": {"ssm:aws:ssm:resolve(aws:ssm:/a)"},
		"docker ps --format '{{.Names}}'":   {"unknown:.Names"},
		"{{ build.X.outputs.stdout'":        nil,
		"{{ a\nb }}":                        nil,
		"{{ {{ X }} }}":                     {"name:X"},
		"}} {{ X }}":                        {"name:X"},
		"{{}}":                              {"unknown:"},
		"${{ X }}":                          {"name:X"},
		"awk '{print $1}}' {{ Y }}":         {"name:Y"},
	} {
		if got := component.Expressions(text); !slices.Equal(got, want) {
			t.Errorf("%q holds %q, want %q", text, got, want)
		}
	}
}

func TestExpandLooksOnceAtEachPlace(t *testing.T) {
	got, err := component.ExpandWith("a {{ X }} {{ nope }} {{X}}", func(s string) (string, bool) {
		return "<{{ X }}>", s == "X"
	})
	if want := "a <{{ X }}> {{ nope }} <{{ X }}>"; got != want || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func FuzzExpand(f *testing.F) {
	for _, s := range []string{"{{ X }}", "{{{{}}}}", "}}{{", "{{ a.b.outputs[9999999999999999999].c }}", "{{ aws:ssm:resolve() }}", "{{\n}}", "{{ é }}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		same, err := component.ExpandWith(text, func(string) (string, bool) { return "", false })
		if err != nil || same != text {
			t.Fatalf("%q became %q (%v) although nothing is known", text, same, err)
		}
		n := 0
		got, err := component.ExpandWith(text, func(string) (string, bool) { n++; return "", true })
		if err != nil || len(got) > len(text) || n == 0 && got != text {
			t.Fatalf("%q became %q (%v) after %d replacements", text, got, err, n)
		}
		if n != len(component.Expressions(text)) || strings.Count(text, "}}") < n {
			t.Fatalf("%q: %d replacements", text, n)
		}
	})
}

func compare(operator, base, value string) *component.Condition {
	return &component.Condition{Operator: operator, Operand: base, Value: value}
}

func all(operator string, terms ...*component.Condition) *component.Condition {
	c := &component.Condition{Operator: operator}
	for _, t := range terms {
		c.Terms = append(c.Terms, *t)
	}
	return c
}

func TestConditions(t *testing.T) {
	env := []string{"PATH=/usr/bin:/bin"}
	yes, no := compare("stringIsEmpty", "", ""), compare("stringIsEmpty", "x", "")
	dir := t.TempDir()
	for name, c := range map[string]struct {
		c    *component.Condition
		want bool
	}{
		"empty":                     {yes, true},
		"not empty":                 {no, false},
		"space":                     {compare("stringIsWhitespace", "  ", ""), true},
		"no space in empty":         {compare("stringIsWhitespace", "", ""), false},
		"equals without case":       {compare("stringEquals", "Prod", "pROD"), true},
		"spaces count":              {compare("stringEquals", "a", "a "), false},
		"value less than base":      {compare("stringLessThan", "b", "a"), true},
		"value not less than base":  {compare("stringLessThan", "a", "b"), false},
		"digits before letters":     {compare("stringGreaterThan", "1", "a"), true},
		"less or equal":             {compare("stringLessThanEquals", "A", "a"), true},
		"greater or equal":          {compare("stringGreaterThanEquals", "A", "a"), true},
		"the guide's pattern":       {compare("patternMatches", "^[a-z]+$", "ThisIsValue"), true},
		"unanchored pattern":        {compare("patternMatches", "is", "ThisIsValue"), true},
		"no match":                  {compare("patternMatches", "^x", "ThisIsValue"), false},
		"numbers, not texts":        {compare("numberEquals", "1.10", "1.1"), true},
		"greater":                   {compare("numberGreaterThan", "2", "10"), true},
		"less":                      {compare("numberLessThan", "2", "10"), false},
		"signs":                     {compare("numberLessThanEquals", "-1", "-2.5"), true},
		"no number":                 {compare("numberEquals", "1", "one"), false},
		"no exponent":               {compare("numberEquals", "1000", "1e3"), false},
		"digits beyond a float":     {compare("numberGreaterThan", "100000000000000000000000000000000000000000000000000000000000001", "100000000000000000000000000000000000000000000000000000000000002"), true},
		"greater or equal numbers":  {compare("numberGreaterThanEquals", "3", "3.0"), true},
		"builtin":                   {compare("binaryExists", "cd", ""), true},
		"binary":                    {compare("binaryExists", "bash", ""), true},
		"no binary":                 {compare("binaryExists", "no-such-program", ""), false},
		"folder":                    {compare("folderExists", dir, ""), true},
		"folder is no file":         {compare("fileExists", dir, ""), false},
		"file":                      {compare("fileExists", "parse_test.go", ""), true},
		"md5":                       {compare("fileMD5Equals", "D41D8CD98F00B204E9800998ECF8427E", empty(t)), true},
		"sha1":                      {compare("fileSHA1Equals", "da39a3ee5e6b4b0d3255bfef95601890afd80709", empty(t)), true},
		"sha256":                    {compare("fileSHA256Equals", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", empty(t)), true},
		"sha512 differs":            {compare("fileSHA512Equals", "00", empty(t)), false},
		"and":                       {all("and", yes, yes), true},
		"and stops at the first no": {all("and", no, compare("fileMD5Equals", "", "/no/such/file")), false},
		"or stops at the first yes": {all("or", yes, compare("fileMD5Equals", "", "/no/such/file")), true},
		"or":                        {all("or", no, no), false},
		"not":                       {all("not", no), true},
		"nested":                    {all("and", all("not", all("or", no, no)), yes), true},
	} {
		got, err := component.Holds(t.Context(), c.c, env)
		if got != c.want || err != nil {
			t.Errorf("%s: got %t, %v", name, got, err)
		}
	}
	if _, err := component.Holds(t.Context(), compare("fileMD5Equals", "", "/no/such/file"), env); err == nil {
		t.Error("the hash of a missing file was compared")
	}
}

func empty(t *testing.T) string {
	t.Helper()
	return writeFile(t, t.TempDir()+"/empty", "")
}

func FuzzCondition(f *testing.F) {
	f.Add("stringEquals", "a", "b")
	f.Add("numberLessThan", "-1.5", "+2")
	f.Add("patternMatches", "(a|", "a")
	f.Add("stringLessThanEquals", "é", "E")
	f.Fuzz(func(t *testing.T, operator, base, value string) {
		if strings.HasPrefix(operator, "file") || strings.HasPrefix(operator, "folder") || strings.HasPrefix(operator, "binary") {
			return
		}
		c := compare(operator, base, value)
		v, err := component.Holds(t.Context(), c, nil)
		n, errNot := component.Holds(t.Context(), all("not", c), nil)
		if (err == nil) != (errNot == nil) || err == nil && v == n {
			t.Fatalf("%s %q %q: %t (%v), and its negation %t (%v)", operator, base, value, v, err, n, errNot)
		}
	})
}
