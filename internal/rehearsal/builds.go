package rehearsal

import (
	"fmt"
	"io"
	"strings"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// maxDocument bounds a document that is staged: AWS takes no more than 64 KB by uri (user guide, "Create
// components"), and one that is larger fails there.
const maxDocument = 1 << 20

// Builds are the images of a graph, each after the one it is built on.
func Builds(g *planner.Graph) ([]*Build, error) {
	r := &reader{nodes: map[dsl.Addr]*planner.Node{}, builds: map[dsl.Addr]*Build{}, data: g.Config.Data}
	for _, n := range g.Nodes {
		r.nodes[n.Addr] = n
	}
	var out []*Build
	for _, n := range g.Nodes { // in dependency order, so that what an image is built on comes first
		recipe := r.recipe(n)
		if recipe == nil {
			continue
		}
		b, err := r.build(n, recipe)
		if err != nil {
			return nil, err
		}
		r.builds[n.Addr] = b
		out = append(out, b)
	}
	distinguish(out)
	return out, nil
}

// distinguish tells builds of one name apart: one with two sources makes two images.
func distinguish(builds []*Build) {
	count := map[string]int{}
	for _, b := range builds {
		count[b.Name]++
	}
	for _, b := range builds {
		if count[b.Name] > 1 {
			b.Name = b.Addr.String()
		}
	}
}

type reader struct {
	nodes  map[dsl.Addr]*planner.Node
	builds map[dsl.Addr]*Build
	data   []*dsl.Block
}

// recipe is the recipe an image is made of, nil for what is no image.
func (r *reader) recipe(n *planner.Node) *planner.Node {
	for _, member := range []string{"imageRecipeArn", "containerRecipeArn"} {
		ref, ok := n.Input[member].(dsl.Ref)
		if ok && n.Kind.Naming == planner.OfRecipe {
			return r.nodes[ref.Addr]
		}
	}
	return nil
}

func (r *reader) build(n, recipe *planner.Node) (*Build, error) {
	b := &Build{Addr: n.Addr, Name: n.Group, Origin: n.Origin}
	if b.Name == "" {
		b.Name = n.Addr.String()
	}
	b.WorkingDirectory, _ = recipe.Input["workingDirectory"].(string)
	_, b.Container = recipe.Input["containerType"]
	switch parent := recipe.Input["parentImage"].(type) {
	case string:
		b.Parent = parent
	case dsl.Ref:
		if b.On = r.builds[parent.Addr]; b.On == nil {
			b.Parent = sought(r.data, parent.Addr)
			if parent.Type == planner.LookupType {
				b.Parent = parent.Name
			}
		}
	}
	uses, _ := recipe.Input["components"].([]any)
	for _, u := range uses {
		use, _ := u.(map[string]any)
		c, platform, err := r.component(use)
		if err != nil {
			return nil, err
		}
		if b.Platform == "" {
			b.Platform = platform
		}
		b.Components = append(b.Components, c)
	}
	return b, nil
}

// component reads one use of a component. An error means that a file of the configuration cannot be read.
func (r *reader) component(use map[string]any) (c *Component, platform string, err error) {
	ref, isRef := use["componentArn"].(dsl.Ref)
	n := r.nodes[ref.Addr]
	if n == nil {
		c = &Component{}
		c.Name, _ = use["componentArn"].(string)
		if isRef {
			c.Name = ref.Name
		}
		c.NotRun = "its document is not in this configuration"
		if strings.Contains(c.Name, ":aws:component/") {
			c.NotRun = "AWS manages it, and its document is not in this configuration"
		}
		return c, "", nil
	}
	c = &Component{Node: n, Name: n.Name, Parameters: map[string]string{}}
	platform, _ = n.Input["platform"].(string)
	c.Source, c.NotRun, err = r.document(n)
	if err != nil {
		return nil, "", err
	}
	given, _ := use["parameters"].([]any)
	for _, p := range given {
		p, _ := p.(map[string]any)
		name, _ := p["name"].(string)
		values, _ := p["value"].([]any)
		var texts []string
		for _, v := range values {
			text, known := r.text(v)
			if !known {
				c.NotRun = fmt.Sprintf("its parameter %s is known only after AWS has been asked or the build is made", name)
			}
			texts = append(texts, text)
		}
		c.Parameters[name] = strings.Join(texts, ",")
	}
	return c, platform, nil
}

// text is a value that is a text or follows from the plan.
func (r *reader) text(v any) (string, bool) {
	ref, ok := v.(dsl.Ref)
	if !ok {
		s, isText := v.(string)
		return s, isText
	}
	n := r.nodes[ref.Addr]
	if n == nil {
		return "", false
	}
	s, known := n.Known[ref.Attr].(string)
	return s, known
}

// document is a component's document, from the input itself or from the file that is staged for it.
func (r *reader) document(n *planner.Node) (source, notRun string, err error) {
	if text, ok := r.text(n.Input["data"]); ok {
		return text, "", nil
	}
	ref, ok := n.Input["uri"].(dsl.Ref)
	file := r.nodes[ref.Addr]
	if !ok || file == nil || file.Content == nil {
		return "", "its document is at a uri outside of this configuration", nil
	}
	body, err := file.Content.Open()
	if err != nil {
		return "", "", fmt.Errorf("reading the document of %s: %w", n.Addr, err)
	}
	defer body.Close() //nolint:errcheck // it was only read
	raw, err := io.ReadAll(io.LimitReader(body, maxDocument+1))
	if err != nil {
		return "", "", fmt.Errorf("reading the document of %s: %w", n.Addr, err)
	}
	if len(raw) > maxDocument {
		return "", fmt.Sprintf("its document is larger than %d bytes", maxDocument), nil
	}
	return string(raw), "", nil
}
