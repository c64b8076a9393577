package kind

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/planner"
)

const componentExample = `
component "base" {
  platform = "Linux"
  document = <<-YAML
    schemaVersion: 1.0
    phases:
      - name: build
        steps:
          - name: hello
            action: ExecuteBash
            inputs:
              commands: ["echo hello"]
  YAML
}
`

// componentKind is one component document.
func componentKind() *planner.Kind {
	g := Derive(Spec{
		Op:     "imagebuilder:CreateComponent",
		Filled: []string{"name", "semanticVersion"},
		Alias:  map[string]string{"version": "semanticVersion", "document": "data"},
	})
	k := &planner.Kind{
		Name:   "component",
		Block:  block("component", g, "A component document: the steps that build, validate or test an image.", "arn", "name", "version"),
		Naming: planner.ContentVersion, Resource: "component",
		Create: "imagebuilder:CreateComponent", Read: "imagebuilder:GetComponent",
		List: "imagebuilder:ListComponentBuildVersions", Delete: "imagebuilder:DeleteComponent",
		Outputs: map[string]string{"arn": "componentBuildVersionArn"},
		Accepts: accepts,
		Example: componentExample,
	}
	k.Block.Known = []string{"name"}
	k.Expand = func(s *planner.Scope, b *dsl.Block) ([]*dsl.Block, hcl.Diagnostics) {
		t, diags := textOf(s, b, "document", "data")
		if t == nil {
			return []*dsl.Block{b}, diags
		}
		steps := b.Steps
		// What a build makes of its provisioners is checked as it is made.
		if b.Group == "" {
			var more hcl.Diagnostics
			steps, more = checkComponent(b, t)
			diags = append(diags, more...)
		}
		lowered := withText(b, t, "data")
		lowered.Steps = steps
		blocks, more := stageLong(s, lowered, t, "data", "uri")
		return blocks, append(diags, more...)
	}
	k.Lower = func(_ *planner.Scope, b *dsl.Block) (*planner.Node, hcl.Diagnostics) {
		n, l := lowerVersioned(g, b)
		return n, l.Diags
	}
	return k
}

// checkComponent reads a component's document as AWSTOE would, and returns where its steps stand.
func checkComponent(b *dsl.Block, t *docText) (map[string]hcl.Range, hcl.Diagnostics) {
	doc, diags := component.Parse([]byte(t.text), t.filename())
	if doc == nil {
		return nil, t.place(diags)
	}
	if !diags.HasErrors() {
		diags = append(diags, doc.CheckScripts([]byte(t.text))...)
	}
	if t.object && !diags.HasErrors() {
		t.text = string(component.Render(doc)) // in the order in which documents are written
	}
	if platform, ok := b.Body.Attr("platform"); ok && !diags.HasErrors() {
		if p, isText := platform.V.(string); isText && isPlatform(p) {
			diags = append(diags, doc.Check(p)...)
		}
	}
	steps := map[string]hcl.Range{}
	for i := range doc.Phases {
		for j := range doc.Phases[i].Steps {
			step := &doc.Phases[i].Steps[j]
			steps[doc.Phases[i].Name+"/"+step.Name], _ = t.where(step.Range)
		}
	}
	return steps, t.place(diags)
}

// isPlatform says whether AWS knows the platform; the model's check reports the ones it does not.
func isPlatform(p string) bool { return p == "Linux" || p == "Windows" || p == "macOS" }

// componentDocument is the document of a component of this configuration, nil where it is not
// written in it or cannot be read (which the component's own check reports).
func componentDocument(s *planner.Scope, a dsl.Addr) *component.Document {
	b, ok := s.Block(a)
	if !ok {
		return nil
	}
	source, ok := staged(s, b)
	if !ok {
		return nil
	}
	doc, diags := component.Parse([]byte(source), a.String())
	if diags.HasErrors() {
		return nil
	}
	return doc
}

// checkParameters holds what a recipe hands to a component against what the component declares.
func (l *Lowered) checkParameters(s *planner.Scope, c map[string]any, path string) {
	ref, ok := c["componentArn"].(dsl.Ref)
	if !ok || ref.Type != "component" {
		return
	}
	given, _ := c["parameters"].([]any)
	if b, declared := s.Block(ref.Addr); !declared || b.Group != "" && len(given) == 0 {
		return // what a build makes declares no parameters
	}
	doc := componentDocument(s, ref.Addr)
	if doc == nil {
		return
	}
	names := map[string]bool{}
	for i, p := range given {
		p, _ := p.(map[string]any)
		name, _ := p["name"].(string)
		names[name] = true
		if doc.Parameter(name) == nil {
			l.fail(l.near(fmt.Sprintf("%s.parameters[%d]", path, i)), "Unknown component parameter",
				fmt.Sprintf("%s declares no parameter %q. %s", ref.Addr, name, declared(doc)))
		}
	}
	for _, p := range doc.Parameters {
		if !p.HasDefault && !names[p.Name] {
			l.fail(l.near(path), "Missing component parameter",
				fmt.Sprintf("%s asks for the parameter %q and has no default for it. Write parameters = { %s = \"…\" }.", ref.Addr, p.Name, p.Name))
		}
	}
}

func declared(doc *component.Document) string {
	var names []string
	for _, p := range doc.Parameters {
		names = append(names, p.Name)
	}
	if names == nil {
		return "Its document has no parameters."
	}
	return "Its document declares: " + strings.Join(names, ", ") + "."
}

// near is where the nearest part of a path was written.
func (l *Lowered) near(path string) hcl.Range {
	for path != "" {
		if r, ok := l.Ranges[path]; ok {
			return r
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return hcl.Range{}
}
