package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

const dockerfileVariables = "User Guide, Create a new version of a container recipe: contextual variables of a Dockerfile template"

// dockerfileRules hold for a template that is given as data.
var dockerfileRules = []Rule{
	{
		ID: "ib-dockerfile-parent", Source: dockerfileVariables,
		Says: "A Dockerfile template begins an image with {{{ imagebuilder:parentImage }}}.",
		on:   on(containerRecipe, "dockerfileTemplateData"), judge: templateNeedsParent,
	},
	{
		ID: "ib-dockerfile-environments", Source: dockerfileVariables,
		Says: "The Dockerfile template of a recipe with components has {{{ imagebuilder:environments }}}.",
		on:   on(containerRecipe, "dockerfileTemplateData"), judge: templateNeedsEnvironments,
	},
	{
		ID: "ib-dockerfile-variable", Source: dockerfileVariables,
		Says: "A Dockerfile template uses the variables that Image Builder has, in three braces.",
		on:   on(containerRecipe, "dockerfileTemplateData"), judge: templateVariables,
	},
	{
		ID: "ib-dockerfile-components", Severity: Warning, Source: dockerfileVariables,
		Says: "The Dockerfile template of a recipe with components runs them with {{{ imagebuilder:components }}}.",
		on:   on(containerRecipe, "dockerfileTemplateData"), judge: templateRunsComponents,
	},
	{
		ID: "ib-dockerfile-order", Severity: Warning, Source: dockerfileVariables,
		Says: "In a Dockerfile template, environments stand before components.",
		on:   on(containerRecipe, "dockerfileTemplateData"), judge: templateOrder,
	},
}

// templateNames are the variables of a template (User Guide, "Dockerfile template").
var templateNames = []string{"parentImage", "environments", "components"}

// A templateVariable is a use of a variable.
type templateVariable struct {
	name   string
	braces bool // it stands in three braces on both sides
	at     int  // bytes
}

var templateUse = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(\{+)[ \t]*imagebuilder:[ \t]*([A-Za-z0-9_.-]*)[ \t]*(\}*)`)
})

func templateUses(template string) []templateVariable {
	var out []templateVariable
	for _, m := range templateUse().FindAllStringSubmatchIndex(template, -1) {
		part := func(i int) string { return template[m[2*i]:m[2*i+1]] }
		out = append(out, templateVariable{part(2), len(part(1)) == 3 && len(part(3)) == 3, m[0]})
	}
	return out
}

// firstUse is where a variable stands first; -1 where it does not.
func firstUse(template, name string) int {
	uses := templateUses(template)
	i := slices.IndexFunc(uses, func(u templateVariable) bool { return u.name == name && u.braces })
	if i < 0 {
		return -1
	}
	return uses[i].at
}

func variable(name string) string { return "{{{ imagebuilder:" + name + " }}}" }

func templateNeedsParent(s *subject) {
	if v := text(s.value); v != "" && firstUse(v, "parentImage") < 0 {
		s.refuse("", "It lacks "+variable("parentImage"), "Begin it with: FROM "+variable("parentImage"))
	}
}

func templateNeedsEnvironments(s *subject) {
	if v := text(s.value); v != "" && filled(s.root["components"]) && firstUse(v, "environments") < 0 {
		s.refuse("", "The recipe has components, and it lacks "+variable("environments"),
			"Add "+variable("environments")+" on a line below FROM, and "+variable("components")+" below that.")
	}
}

func templateVariables(s *subject) {
	for _, u := range templateUses(text(s.value)) {
		switch {
		case !slices.Contains(templateNames, u.name):
			advice := awsmodel.Suggest(u.name, templateNames)
			s.refuse("", "There is no variable "+strconv.Quote("imagebuilder:"+u.name), advice)
		case !u.braces:
			s.refuse("", "The variable "+u.name+" does not stand in three braces", "Write "+variable(u.name)+".")
		}
	}
}

func templateRunsComponents(s *subject) {
	if v := text(s.value); v != "" && filled(s.root["components"]) && firstUse(v, "environments") >= 0 && !strings.Contains(v, "imagebuilder:component") {
		s.refuse("", "The recipe has components, and it lacks "+variable("components")+", so that they do not run", "Add "+variable("components")+" below "+variable("environments")+".")
	}
}

func templateOrder(s *subject) {
	v := text(s.value)
	environments, components := firstUse(v, "environments"), firstUse(v, "components")
	if components >= 0 && environments > components {
		s.refuse("", "The components run before "+variable("environments")+" has put them there", "Move "+variable("environments")+" above "+variable("components")+".")
	}
}
