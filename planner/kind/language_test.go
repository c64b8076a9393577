package kind_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/planner/kind"
)

// TestLanguage holds docs/language.md against the tables.
func TestLanguage(t *testing.T) {
	const file = "../../docs/language.md"
	got := kind.Language()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what the tables say. Run go test ./planner/kind -run Language -update and read the difference.", file)
	}
	if strings.Contains(got, "<!--") {
		t.Error("a section was not generated")
	}
}

// TestLanguageLinks finds links to headings that are not there.
func TestLanguageLinks(t *testing.T) {
	page := kind.Language()
	anchors := map[string]bool{}
	fence := regexp.MustCompile("(?s)```.*?```")
	for line := range strings.Lines(fence.ReplaceAllString(page, "")) {
		if level, title, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.Trim(level, "#") == "" {
			anchor := regexp.MustCompile(`[^a-z0-9_ -]`).ReplaceAllString(strings.ToLower(title), "")
			anchor = strings.ReplaceAll(anchor, " ", "-")
			if anchors[anchor] {
				t.Errorf("two headings have the anchor #%s", anchor)
			}
			anchors[anchor] = true
		}
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(page, -1) {
		if !anchors[m[1]] {
			t.Errorf("there is no heading #%s", m[1])
		}
	}
}

// Every argument and nested block says what it is for.
func TestLanguageIsComplete(t *testing.T) {
	for _, typ := range kind.BlockTypes() {
		if typ.Doc == "" {
			t.Errorf("%s has no Doc", typ.Name)
		}
		documented(t, typ.Name, typ.Schema)
		for label, s := range typ.Variants {
			if label != "amazon-ebs" { // Packer's, listed by name
				documented(t, typ.Name+"."+label, s)
			}
		}
	}
}

func documented(t *testing.T, at string, s *dsl.Schema) {
	t.Helper()
	if s == nil {
		return
	}
	for _, a := range s.Attrs {
		if a.Doc == "" {
			t.Errorf("%s.%s has no Doc: for a member, add it to the meanings", at, a.Name)
		}
	}
	for _, n := range s.Blocks {
		if at == "build" && n.Type == "source" {
			continue // what a source takes, amazon-ebs included
		}
		if n.Doc == "" {
			t.Errorf("the block %s in %s has no Doc: for a member, add it to the meanings", n.Type, at)
		}
		if n.Doc != "Accepted as Packer has it; without effect." {
			documented(t, at+"."+n.Type, n.Schema)
		}
		for label, v := range n.Variants {
			if n.Type != "post-processor" || label == "manifest" { // others are not run, and Packer's documentation has them
				documented(t, at+"."+n.Type+"."+label, v)
			}
		}
	}
}

// A meaning of what the model does not have is a misspelt one.
func TestMeaningsAreMembers(t *testing.T) {
	members := map[string]bool{}
	for _, k := range kind.List() {
		service, operation, _ := strings.Cut(string(k.Create), ":")
		model, err := awsmodel.Get(service)
		if err != nil {
			continue // a kind whose service has no model has no members
		}
		op, ok := model.Operation(operation)
		if !ok {
			t.Fatalf("no operation %s", k.Create)
		}
		walkMembers(op.Input, members)
	}
	for key := range kind.Meanings() {
		if !members[key] {
			t.Errorf("the meaning of %q is of no member that can be written", key)
		}
	}
}

func walkMembers(sh *awsmodel.Shape, seen map[string]bool) {
	switch sh.Type {
	case "list":
		walkMembers(sh.Element, seen)
	case "structure":
		for _, m := range sh.Members {
			seen[m.Name], seen[strings.TrimSuffix(sh.Name, "Request")+"."+m.Name] = true, true
			walkMembers(m.Shape, seen)
		}
	}
}

// The groups of functions say the truth about those that are special, and miss none.
func TestLanguageFunctions(t *testing.T) {
	page := kind.Language()
	if strings.Contains(page, "| Others |") {
		t.Error("a function is in no group: add it to language_functions.go")
	}
	row := func(title string) string {
		_, rest, _ := strings.Cut(page, "| "+title)
		line, _, _ := strings.Cut(rest, "\n")
		return line
	}
	impure, refused := row("Changes on every run"), row("An error here")
	arguments := map[string]string{
		"legacy_isotime": `"2006"`, "legacy_strftime": `"%Y"`, "bcrypt": `"a"`, "consul_key": `"a"`,
		"aws_secretsmanager": `"a", "b"`, "aws_secretsmanager_raw": `"a"`, "vault": `"a", "b"`,
	}
	for _, name := range dsl.Functions() {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("%s is not described", name)
		}
		_, diags := loadText(t, "locals {\n  a = "+name+"("+arguments[name]+")\n}\nstaged_file \"a\" {\n  bucket  = \"b\"\n  content = local.a\n}\n")
		says := func(summary, detail string) bool {
			return slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
				return strings.Contains(d.Summary, summary) && strings.Contains(d.Detail, detail)
			})
		}
		if got, want := says("Plan changes on every run", ""), strings.Contains(impure, "`"+name+"`"); got != want {
			t.Errorf("%s: it changes plans is %t, and documented as %t", name, got, want)
		}
		if got, want := says("", "no network here"), strings.Contains(refused, "`"+name+"`"); got != want {
			t.Errorf("%s: it is refused is %t, and documented as %t: %v", name, got, want, diags)
		}
	}
}
