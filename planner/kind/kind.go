// Package kind is the table of resource kinds: one file each, data and pure functions. How a kind is
// written is derived from AWS's model of its create call; what is added here is what the model does
// not say. It refuses to know how a call is made, and what is there already.
package kind

import (
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// table holds every kind in the order the documentation lists them. It is made on first use,
// because it is derived from AWS's models, which are parsed then.
var table = sync.OnceValue(func() []*planner.Kind {
	recipe := imageRecipeKind()
	infrastructure := infrastructureConfigurationKind()
	distribution := distributionConfigurationKind()
	pipeline := imagePipelineKind()
	image := imageKind()
	builder, fleet := appstreamImageBuilderKind(), appstreamFleetKind()
	parts := []*planner.Kind{recipe, infrastructure, distribution, pipeline, image}
	source := sourceKind(parts, builder, fleet)
	return []*planner.Kind{
		source,
		buildKind(source, parts),
		componentKind(),
		recipe,
		infrastructure,
		distribution,
		pipeline,
		image,
		stagedFileKind(),
		containerRecipeKind(),
		workflowKind(),
		lifecyclePolicyKind(),
		appstreamImageKind(),
		builder,
		appstreamUpdatedImageKind(),
		appstreamImagePermissionsKind(),
		appstreamImageCopyKind(),
		appstreamExportKind(),
		fleet,
		appstreamStackKind(),
		appstreamFleetAssociationKind(),
		appstreamDirectoryConfigKind(),
	}
})

var byName = sync.OnceValue(func() map[string]*planner.Kind {
	m := map[string]*planner.Kind{}
	for _, k := range table() {
		m[k.Name] = k
	}
	return m
})

// All is every kind by name. The map is shared and must not be changed.
func All() map[string]*planner.Kind { return byName() }

// List is every kind in the order the documentation lists them. It must not be changed.
func List() []*planner.Kind { return table() }

// BlockTypes are the same kinds as the language sees them, and data blocks.
func BlockTypes() []dsl.BlockType {
	out := make([]dsl.BlockType, 0, len(table())+1)
	for _, k := range table() {
		out = append(out, k.Block)
	}
	return append(out, DataBlockType())
}

// block is how a level-2 kind is written: component "web" { … }. The first export is what a bare
// reference means.
func block(name string, g *Grammar, doc string, exports ...string) dsl.BlockType {
	schema := g.Schema()
	schema.Attrs = append(schema.Attrs, dsl.Attr{
		Name: planner.DependsOn, Type: cty.List(cty.String), Doc: "Blocks that must be there first although nothing here refers to them, such as the files a document downloads.",
	})
	return dsl.BlockType{Name: name, Labels: []string{"name"}, Schema: schema, Exports: exports, Repeats: true, Doc: doc}
}

// accepts says, by member, of which kinds a reference makes sense there.
var accepts = map[string][]string{
	"componentArn":                   {"component"},
	"containerRecipeArn":             {"container_recipe"},
	"distributionConfigurationArn":   {"distribution_configuration"},
	"imageRecipeArn":                 {"image_recipe"},
	"infrastructureConfigurationArn": {"infrastructure_configuration"},
	"parentImage":                    {"image"},
	"uri":                            {"staged_file"},
	"dockerfileTemplateUri":          {"staged_file"},
	"workflowArn":                    {"workflow"},
}

// lowerNamed lowers a block of a kind that has a name, which is the block's own where none is given.
func lowerNamed(g *Grammar, naming planner.Naming, b *dsl.Block) (*planner.Node, *Lowered) {
	l := g.Lower(b.Body)
	n := &planner.Node{Input: l.Input, Ranges: l.Ranges, Known: map[string]any{}}
	n.Name = b.Addr.Name
	if b.Addr.Key != "" {
		n.Name += "-" + strings.Trim(b.Addr.Key, `"`)
	}
	switch name := l.Input["name"].(type) {
	case nil:
		n.Ranges["name"] = b.Range
	case string:
		n.Name = name
	default:
		l.fail(l.Ranges["name"], "Name not known", "A name must be known before anything is made: write it, or build it from variables.")
	}
	// AWS is to judge the name as it was given, so a hashed one is put in only when it is complete.
	n.Input["name"] = n.Name
	if naming != planner.HashedName {
		n.Known["name"] = n.Name
	}
	return n, l
}

// lowerVersioned lowers a block of a kind whose version follows from its content, as far as the
// block does not fix it.
func lowerVersioned(g *Grammar, b *dsl.Block) (*planner.Node, *Lowered) {
	n, l := lowerNamed(g, planner.ContentVersion, b)
	if v, ok := n.Input["semanticVersion"]; ok {
		n.Fixed = l.version(v)
	}
	n.Input["semanticVersion"] = dsl.Ref{Addr: b.Addr, Attr: "version"}
	return n, l
}

// version reads the leading numbers of a version that the user fixes: "2", "2.3", "2.3.1".
func (l *Lowered) version(v any) string {
	const advice = `Write one to three numbers in quotes, such as "2" or "2.3"; what is left out follows from the content.`
	at := l.Ranges["semanticVersion"]
	s, ok := text(v).(string)
	if _, fraction := v.(float64); !ok || fraction {
		l.fail(at, "Invalid version", "A version must be a text, because 2.10 and 2.1 are the same number. "+advice)
		return ""
	}
	nodes := strings.Split(s, ".")
	if len(nodes) > 3 {
		l.fail(at, "Invalid version", fmt.Sprintf("%q has %d numbers, and AWS takes three. %s", s, len(nodes), advice))
		return ""
	}
	for _, node := range nodes {
		if !isVersionNode(node) {
			l.fail(at, "Invalid version", fmt.Sprintf("%q in %q is not a number from 0 to 1073741823. %s", node, s, advice))
			return ""
		}
	}
	return s
}

// isVersionNode says whether s is a number from 0 to 2^30-1 (API Reference, CreateComponent,
// semanticVersion) without leading zeros, which two spellings of one version would come from.
func isVersionNode(s string) bool {
	if s == "" || len(s) > 10 || len(s) > 1 && s[0] == '0' {
		return false
	}
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n < 1<<30
}

func (l *Lowered) fail(at hcl.Range, summary, detail string) {
	l.Diags = append(l.Diags, failure(at, summary, "%s", detail))
}
