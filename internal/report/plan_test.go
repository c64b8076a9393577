package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

var planRenderings = map[string]func(io.Writer, *planner.Plan) error{
	"text":     func(w io.Writer, p *planner.Plan) error { return report.PlanText(w, p, report.TextOptions{}) },
	"markdown": report.PlanMarkdown,
	"mermaid":  report.PlanMermaid,
	"dot":      report.PlanDOT,
	"svg":      report.PlanSVG,
	"aws-cli":  report.PlanAWSCLI,
}

func plan(tb testing.TB, form string, p *planner.Plan) string {
	tb.Helper()
	b := &strings.Builder{}
	if err := planRenderings[form](b, p); err != nil {
		tb.Fatalf("%s: %v", form, err)
	}
	return b.String()
}

func TestPlanRenderings(t *testing.T) {
	p := webPlan()
	p.Diags = hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Argument ignored", Detail: "ssh_username has no meaning here.\nRemove it.", Subject: at(3, 3, 5).Ptr()}}
	golden(
		t, "plan",
		part(t, "text", func(w io.Writer) error { return report.PlanText(w, p, report.TextOptions{}) }),
		part(t, "text-80-columns", func(w io.Writer) error { return report.PlanText(w, p, report.TextOptions{Width: 80}) }),
		part(t, "markdown", func(w io.Writer) error { return report.PlanMarkdown(w, p) }),
		part(t, "mermaid", func(w io.Writer) error { return report.PlanMermaid(w, p) }),
		part(t, "dot", func(w io.Writer) error { return report.PlanDOT(w, p) }),
		part(t, "svg", func(w io.Writer) error { return report.PlanSVG(w, p) }),
		part(t, "aws-cli", func(w io.Writer) error { return report.PlanAWSCLI(w, p) }),
	)
}

// TestOfflinePlanSaysSoOnce: nothing was compared for any of the changes, which the plan's heading
// says, and which would only be noise on every line.
func TestOfflinePlanSaysSoOnce(t *testing.T) {
	f := newFixture()
	f.Offline = true
	const reason = "offline: not compared with AWS"
	f.add("web", reason, change("image_recipe.web", recipe, planner.Create, planner.Object{"name": "web", "semanticVersion": "1.4.5"}))
	f.add("web", reason, change("image.web", image, planner.Create, planner.Object{"imageRecipeArn": ref("image_recipe.web", "arn")}))
	if got := plan(t, "text", f.Plan); strings.Contains(got, "offline") {
		t.Errorf("text:\n%s", got)
	}
	if got := plan(t, "markdown", f.Plan); !strings.HasPrefix(got, "**Not compared with AWS**") || strings.Count(got, "whatever exists") != 1 {
		t.Errorf("markdown:\n%s", got)
	}
	if got := string(f.JSON()); strings.Count(got, reason) != 2 {
		t.Errorf("JSON keeps the reasons:\n%s", got)
	}
}

func TestEmptyPlan(t *testing.T) {
	for form := range planRenderings {
		if out := plan(t, form, newFixture().Plan); out == "" {
			t.Errorf("%s of an empty plan is nothing", form)
		}
	}
}

func TestPlanIsDeterministic(t *testing.T) {
	for form := range planRenderings {
		want := plan(t, form, webPlan())
		for range 5 {
			if got := plan(t, form, webPlan()); got != want {
				t.Fatalf("%s differs from one time to the next:\n%s\n%s", form, got, want)
			}
		}
	}
}

func TestPlanSaysItCouldNotWrite(t *testing.T) {
	for form, render := range planRenderings {
		if err := render(&broken{}, webPlan()); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", form, err)
		}
	}
}

func TestPlanTextColor(t *testing.T) {
	b := &strings.Builder{}
	if err := report.PlanText(b, webPlan(), report.TextOptions{Color: true}); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); !strings.Contains(s, "\x1b[32m+\x1b[0m component.base") || strings.Count(s, "\x1b[")%2 != 0 {
		t.Errorf("colour:\n%q", s)
	}
}

// No rendering lets a control character or anything that changes the direction of text through.
func TestHostileNamesAreText(t *testing.T) {
	p := hostilePlan()
	for form := range planRenderings {
		out := plan(t, form, p)
		for i, r := range out {
			if r != '\n' && (r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028) {
				t.Errorf("%s holds %U at %d: %q", form, r, i, out[max(0, i-30):min(len(out), i+10)])
				break
			}
		}
		for line := range strings.Lines(out) {
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
				t.Errorf("%s holds a command of the runner: %q", form, line)
			}
		}
	}
}

func TestHostileMarkdown(t *testing.T) {
	out, _, _ := strings.Cut(plan(t, "markdown", hostilePlan()), "```mermaid\n") // in a fence all is text
	out += "</details>"
	for _, never := range []string{"<script", "</details>\n#", "<!--", "](", "https://", "www.evil", "@octo", "#1 ", "GH-2", "\n# h", "**x", "~~x"} {
		if strings.Contains(out, never) {
			t.Errorf("Markdown holds %q", never)
		}
	}
	if open, closed := strings.Count(out, "<details>"), strings.Count(out, "</details>"); open != closed {
		t.Errorf("%d sections open, %d close", open, closed)
	}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "|") && strings.Count(line, "|") != 7 {
			t.Errorf("a row with other than six cells: %q", line)
		}
	}
}

func TestSVGIsXML(t *testing.T) {
	for name, p := range map[string]*planner.Plan{"web": webPlan(), "hostile": hostilePlan(), "many": manyNodes(300)} {
		d := xml.NewDecoder(strings.NewReader(plan(t, "svg", p)))
		elements := map[string]int{}
		for {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if s, ok := tok.(xml.StartElement); ok {
				elements[s.Name.Local]++
			}
		}
		if elements["g"] != len(p.Changes) || elements["script"] > 0 || elements["image"] > 0 {
			t.Errorf("%s: %v for %d changes", name, elements, len(p.Changes))
		}
	}
}

func TestDOTQuotesClose(t *testing.T) {
	for line := range strings.Lines(plan(t, "dot", hostilePlan())) {
		if quotes := strings.Count(strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\"`, ""), `"`); quotes%2 != 0 {
			t.Errorf("%d quotes: %s", quotes, line)
		}
	}
}

func TestMermaidStaysWithinLimits(t *testing.T) {
	for _, n := range []int{10, 100, 1_000, 20_000} {
		out := plan(t, "mermaid", manyNodes(n))
		if edges := strings.Count(out, "-->"); len(out) > 50_000 || edges > 500 {
			t.Errorf("%d nodes: %d characters, %d edges", n, len(out), edges)
		}
		if said := strings.Contains(out, "too many to draw"); said != (n > 100) {
			t.Errorf("%d nodes: says it is cut: %v", n, said)
		}
	}
	if out := plan(t, "mermaid", hostilePlan()); strings.ContainsAny(strings.ReplaceAll(out, `<br/>`, ""), "`%\\'$") {
		t.Errorf("a label holds what Mermaid may take for its own:\n%s", out)
	}
}

// manyNodes makes builds of five nodes each, every tenth on the image of the one before.
func manyNodes(n int) *planner.Plan {
	f := newFixture()
	for i := range n / 5 {
		b := fmt.Sprintf("b%04d", i)
		f.add(b, "new", change("component."+b, component, planner.Create, planner.Object{"name": b, "semanticVersion": "1.0.0", "data": "x"}))
		f.add(b, "new", change("infrastructure_configuration."+b, infra, planner.Create, planner.Object{"name": b}))
		f.add(b, "new", change("distribution_configuration."+b, distro, planner.Create, planner.Object{"name": b, "distributions": []any{map[string]any{"region": "eu-west-1"}}}))
		in := planner.Object{"name": b, "semanticVersion": "1.0.0", "parentImage": "ami-1", "components": []any{map[string]any{"componentArn": ref("component."+b, "arn")}}}
		if i%10 != 0 {
			in["parentImage"] = ref(fmt.Sprintf("image.b%04d", i-1), "ami")
		}
		f.add(b, "new", change("image_recipe."+b, recipe, planner.Create, in))
		f.add(b, "new", change("image."+b, image, planner.Create, planner.Object{
			"imageRecipeArn": ref("image_recipe."+b, "arn"), "infrastructureConfigurationArn": ref("infrastructure_configuration."+b, "arn"), "distributionConfigurationArn": ref("distribution_configuration."+b, "arn"),
		}))
	}
	return f.Plan
}

func TestEstimate(t *testing.T) {
	out := plan(t, "text", webPlan())
	if want := "Estimated time: about 14m05s, as long as earlier builds took. Not counted: 1 image with no earlier build."; !strings.Contains(out, want) {
		t.Errorf("no %q in\n%s", want, out)
	}
	p := webPlan()
	for _, c := range p.Changes {
		if c.Addr == addr("image.web") {
			c.Estimate = time.Hour
		}
	}
	if out := plan(t, "text", p); !strings.Contains(out, "about 1h14m, as") {
		t.Errorf("the chain of two images is not counted whole:\n%s", out)
	}
}

func BenchmarkPlan5000(b *testing.B) {
	p := manyNodes(5_000)
	for form, render := range planRenderings {
		b.Run(form, func(b *testing.B) {
			for b.Loop() {
				if err := render(&bytes.Buffer{}, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
