package kind_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

const (
	ruleExamples = "../../internal/awsmodel/rules/examples"
	rulesPage    = "../../docs/rules.md"
)

// TestRuleExamples wants of every rule a configuration that breaks it and one that does not, and that
// the whole compiler finds so: a rule that nothing calls fails here. The examples are
// rules/examples/ID.txtar, with the files broken.ib.hcl and right.ib.hcl; with facts.json where a rule
// waits for AWS's answers and amis.json, what EC2 tells of AMIs in eu-west-1 by their IDs, where it waits for those; and with broken.json and right.json, {"operation", "input"}, where no block makes the call, and
// {"operation", "input", "image"} where a rule waits for the AppStream image that is named.
func TestRuleExamples(t *testing.T) {
	known := map[string]bool{}
	for _, topic := range rules.Topics() {
		for _, r := range topic.Rules {
			t.Run(r.ID, func(t *testing.T) { testRule(t, r, known) })
		}
	}
	files, err := filepath.Glob(ruleExamples + "/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if id := strings.TrimSuffix(filepath.Base(f), ".txtar"); !known[id] {
			t.Errorf("%s is an example of no rule", f)
		}
	}
}

func testRule(t *testing.T, r rules.Rule, known map[string]bool) {
	t.Helper()
	if known[r.ID] {
		t.Errorf("the ID is another rule's too")
	}
	known[r.ID] = true
	if r.Says == "" || !strings.HasSuffix(r.Says, ".") || r.Source == "" {
		t.Errorf("the rule has no sentence or no source: %q %q", r.Says, r.Source)
	}
	ar, err := txtar.ParseFile(filepath.Join(ruleExamples, r.ID+".txtar"))
	if err != nil {
		t.Fatalf("write an example that breaks the rule and one that does not: %v", err)
	}
	severity, found := hcl.DiagError, false
	if r.Severity == rules.Warning {
		severity = hcl.DiagWarning
	}
	for _, d := range judge(t, ar, "broken") {
		found = found || d.Extra == planner.Rule(r.ID)
		if d.Extra == planner.Rule(r.ID) && d.Severity != severity {
			t.Errorf("the finding has another severity than the rule: %s", d.Detail)
		}
	}
	if !found {
		t.Errorf("the broken example is not found to break the rule: %v", judge(t, ar, "broken"))
	}
	for _, d := range judge(t, ar, "right") {
		if d.Severity == hcl.DiagError || d.Extra == planner.Rule(r.ID) {
			t.Errorf("the right example: %s; %s", d.Summary, d.Detail)
		}
	}
}

// judge returns what is said of one of an archive's examples.
func judge(t *testing.T, ar *txtar.Archive, which string) hcl.Diagnostics {
	t.Helper()
	if call := file(ar, which+".json"); call != "" {
		return judgeCall(t, call)
	}
	src := file(ar, which+".ib.hcl")
	if src == "" {
		t.Fatalf("there is no %s.ib.hcl", which)
	}
	cfg, diags := loadText(t, src)
	if diags.HasErrors() {
		return diags
	}
	g, more := planner.Compile(cfg, kind.All(), "eu-west-1")
	diags = append(diags, more...)
	if g != nil && file(ar, "facts.json") != "" {
		diags = append(diags, g.Seal(answersOf(t, ar, g))...)
	}
	if g != nil && file(ar, "amis.json") != "" {
		diags = append(diags, g.CheckParents(amisOf(t, ar), nil)...)
	}
	return diags
}

func judgeCall(t *testing.T, call string) hcl.Diagnostics {
	t.Helper()
	var c struct {
		Operation string
		Input     map[string]any
		Image     map[string]any // the AppStream image that the call names, where a rule waits for it
	}
	if err := json.Unmarshal([]byte(call), &c); err != nil {
		t.Fatal(err)
	}
	service, name, _ := strings.Cut(c.Operation, ":")
	model, err := awsmodel.Get(service)
	if err != nil {
		t.Fatal(err)
	}
	op, ok := model.Operation(name)
	if !ok {
		t.Fatalf("there is no operation %s", c.Operation)
	}
	var diags hcl.Diagnostics
	found := rules.Check(op, c.Input, rules.Place{Region: "eu-west-1", Account: "123456789012"})
	if c.Image != nil {
		found = append(found, rules.CheckStreamImage(name, c.Input, c.Image)...)
	}
	for _, f := range found {
		d := &hcl.Diagnostic{Severity: hcl.DiagError, Detail: f.Message}
		if f.Warning() {
			d.Severity = hcl.DiagWarning
		}
		if f.Rule != nil {
			d.Extra = planner.Rule(f.Rule.ID)
		}
		diags = append(diags, d)
	}
	return diags
}

// TestRulesPage holds docs/rules.md to the rules and their examples.
func TestRulesPage(t *testing.T) {
	got := pageOfRules(t)
	if *update {
		if err := os.WriteFile(rulesPage, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(rulesPage)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the rules say (%v): run go test ./planner/kind -run TestRulesPage -update", rulesPage, err)
	}
}

func pageOfRules(t *testing.T) []byte {
	t.Helper()
	var b, counts, sections bytes.Buffer
	total, answers := 0, 0
	for _, topic := range rules.Topics() {
		known := 0
		if len(topic.Rules) > 0 {
			fmt.Fprintf(&sections, "\n## %s\n", topic.Title)
		}
		for _, r := range topic.Rules {
			if r.Answer != "" {
				known++
			}
			writeRule(t, &sections, r)
		}
		fmt.Fprintf(&counts, "| %s | %d | %d |\n", topic.Title, len(topic.Rules), known)
		total, answers = total+len(topic.Rules), answers+known
	}
	fmt.Fprintf(&b, `<!-- Generated from internal/awsmodel/rules by go test ./planner/kind -run TestRulesPage -update. -->
# Rules

imagebuild checks every call against AWS's published models, and against the rules on this page: what AWS decides
across members, calls, regions and time. Where AWS can be asked, EC2 tells of the AMIs that recipes start from (it
needs ec2:DescribeImages), and the same rules hold for those. A finding ends in its rule's name, such as [ib-ebs-size].
An error is what AWS refuses. A warning is inferred, or depends on your account; silence it with a comment on the line,
on the line above, or before the block:

    # imagebuild: allow ib-component-count

| subject | rules | with AWS's own answer |
|---|---|---|
%s| all | %d | %d |
`, counts.String(), total, answers)
	b.Write(sections.Bytes())
	return b.Bytes()
}

func writeRule(t *testing.T, b *bytes.Buffer, r rules.Rule) {
	t.Helper()
	ar, err := txtar.ParseFile(filepath.Join(ruleExamples, r.ID+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	severity := "Error"
	if r.Severity == rules.Warning {
		severity = "Warning"
	}
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n%s. Source: %s.", r.ID, r.Says, severity, strings.TrimSuffix(r.Source, "."))
	if r.Answer != "" {
		fmt.Fprintf(b, " AWS answers: `%s`", r.Answer)
	}
	b.WriteString("\n")
	b.WriteString("\n<details><summary>Example</summary>\n")
	for _, which := range []string{"broken", "right"} {
		title := map[string]string{"broken": "Breaks the rule:", "right": "Follows it:"}[which]
		if text := file(ar, which+".ib.hcl"); text != "" {
			fmt.Fprintf(b, "\n%s\n\n```terraform\n%s```\n", title, text)
		} else {
			fmt.Fprintf(b, "\n%s\n\n```json\n%s```\n", title, file(ar, which+".json"))
		}
	}
	b.WriteString("\n</details>\n")
}
