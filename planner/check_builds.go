package planner

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
)

// imageCalls and recipeCalls are the operations that the builds of a graph are made up of.
var (
	imageCalls  = []Op{"imagebuilder:CreateImage", "imagebuilder:CreateImagePipeline"}
	recipeCalls = []Op{"imagebuilder:CreateImageRecipe", "imagebuilder:CreateContainerRecipe"}
)

// A buildNodes is the nodes of one build, by the part they have in it.
type buildNodes map[string]*Node

// checkBuilds returns what AWS refuses in calls that refer to each other. What is referred to and is
// not of this configuration is not known.
func (c *compiler) checkBuilds() hcl.Diagnostics {
	var builds []buildNodes
	used := map[*Node]bool{}
	for _, n := range c.sorted {
		if !slices.Contains(imageCalls, n.Kind.Create) {
			continue
		}
		b := buildNodes{"image": n}
		for part, members := range map[string][]string{
			"recipe": {"imageRecipeArn", "containerRecipeArn"}, "infrastructure": {"infrastructureConfigurationArn"}, "distribution": {"distributionConfigurationArn"},
		} {
			for _, m := range members {
				if r, ok := n.Input[m].(dsl.Ref); ok && c.nodes[r.Addr] != nil {
					b[part] = c.nodes[r.Addr]
				}
			}
		}
		used[b["recipe"]] = true
		builds = append(builds, b)
	}
	for _, n := range c.sorted {
		if !used[n] && slices.Contains(recipeCalls, n.Kind.Create) {
			builds = append(builds, buildNodes{"recipe": n}) // whatever image is made of it
		}
	}
	found := make([]hcl.Diagnostics, len(builds))
	workflows := c.workflows()
	sideBySide(len(builds), 256, func(i int) {
		for _, f := range rules.CheckBuild(c.build(builds[i], workflows)) {
			found[i] = append(found[i], diagnose(builds[i][f.Part], f))
		}
	})
	return slices.Concat(found...)
}

// build is what the rules read of a build.
func (c *compiler) build(nodes buildNodes, workflows map[dsl.Addr]*rules.Workflow) *rules.Build {
	input := func(part string) map[string]any {
		if n := nodes[part]; n != nil {
			return n.judged
		}
		return nil
	}
	b := &rules.Build{
		Place: rules.Place{Region: namedRegion(c.scope.Config, c.scope.Region)}, Image: input("image"), Recipe: input("recipe"),
		Infrastructure: input("infrastructure"), Distribution: input("distribution"),
	}
	if i := nodes["image"]; i != nil {
		list, _ := i.Input["workflows"].([]any)
		for _, e := range list {
			use, _ := e.(map[string]any)
			r, _ := use["workflowArn"].(dsl.Ref)
			b.Workflows = append(b.Workflows, workflows[r.Addr])
		}
	}
	if r := nodes["recipe"]; r != nil {
		list, _ := r.Input["components"].([]any)
		for _, e := range list {
			b.Components = append(b.Components, c.component(e))
		}
		b.Parent = c.parent(r, nil)
		if c.finished(nodes) {
			b.Parent.State, b.Parent.Deprecated = "", ""
		}
	}
	return b
}

// workflows are the configuration's own, read once for all images that run them.
func (c *compiler) workflows() map[dsl.Addr]*rules.Workflow {
	out := map[dsl.Addr]*rules.Workflow{}
	for _, n := range c.sorted {
		if n.Kind.Create == "imagebuilder:CreateWorkflow" {
			out[n.Addr] = rules.NewWorkflow(n.Input.Resolve(known))
		}
	}
	return out
}

// parent is what is known of the image that a recipe starts from: by what AWS told of it, by its name, or by the recipe of an
// image of this configuration.
func (c *compiler) parent(recipe *Node, below []*Node) rules.Parent {
	r, ok := recipe.Input["parentImage"].(dsl.Ref)
	if p, told := c.described(recipe); told {
		return p
	}
	if !ok || isLookup(r.Addr) {
		return rules.ParentOf(recipe.judged["parentImage"])
	}
	image := c.nodes[r.Addr]
	if image == nil || slices.Contains(below, recipe) { // a circle is reported by itself
		return rules.Parent{}
	}
	from, ami := image.Input["imageRecipeArn"].(dsl.Ref)
	if !ami {
		from, _ = image.Input["containerRecipeArn"].(dsl.Ref)
	}
	if c.nodes[from.Addr] == nil {
		return rules.Parent{}
	}
	p := c.parent(c.nodes[from.Addr], append(below, recipe))
	p.Image, p.Container = ami, !ami
	// Its own recipe may have made the volumes larger, and more of them.
	p.Title, p.RootSize, p.OneDevice, p.State, p.Deprecated = r.Addr.String(), 0, false, "", ""
	return p
}

// component is what is known of an entry of a recipe's components.
func (c *compiler) component(e any) rules.Component {
	use, _ := e.(map[string]any)
	r, _ := use["componentArn"].(dsl.Ref)
	n := c.nodes[r.Addr]
	if n == nil {
		return rules.Component{}
	}
	out := rules.Component{Input: n.judged}
	for step := range n.Steps {
		phase, _, _ := strings.Cut(step, "/")
		if !slices.Contains(out.Phases, phase) {
			out.Phases = append(out.Phases, phase)
		}
	}
	slices.Sort(out.Phases)
	return out
}
