package rules

import (
	"slices"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// A Rule is one thing that AWS decides and its model does not say.
type Rule struct {
	// ID names the rule in findings, in docs/rules.md and in "# imagebuild: allow": "ib-" for Image
	// Builder, "ec2-" for EC2 and EBS, "as-" for AppStream, "pk-" for Packer templates. It never changes.
	ID string
	// Says is the rule in one sentence.
	Says string
	// Severity is Error where AWS's answer is known, and Warning where it is inferred, or depends on the account.
	Severity Severity
	// Source is where the rule is documented or was observed: a page of documentation, an API
	// member, an issue with the server's answer.
	Source string
	// Answer is AWS's own text where it is known; "" otherwise.
	Answer string

	on    []site // what it reads; none for a rule that is judged where a block is lowered
	judge func(*subject)
}

// A Severity says what becomes of a finding.
type Severity byte

// The severities. The zero value is Error.
const (
	Error   Severity = iota // the input is refused
	Warning                 // the input passes, and "# imagebuild: allow ID" silences the finding
)

// A site is where a rule applies: an operation's input, or with the operation build all calls of a build.
type site struct {
	ops []string
	// path leads to what is judged: "distributions[].region" is every entry's. "" is the whole input. In a build,
	// the first name is the call's: "recipe.parentImage". What is absent or Unknown is not judged, nor what is inside it.
	path string
}

// on is one site.
func on(ops []string, path string) []site { return []site{{ops, path}} }

// A Topic is rules about one subject, a section of docs/rules.md.
type Topic struct {
	Title string
	Rules []Rule
}

// Topics returns all rules by subject.
func Topics() []Topic {
	return []Topic{
		{"Lists, versions and documents", append(slices.Clone(commonRules), documentRules...)},
		{"Regions, partitions and accounts", regionRules},
		{"Names that AWS gives", knownRules},
		{"Block devices", deviceRules},
		{"Platforms and architectures", slices.Concat(platformRules, parentRules)},
		{"Recipes", recipeRules},
		{"Containers", slices.Concat(containerRules, dockerfileRules)},
		{"Infrastructure", slices.Concat(infrastructureRules, machineRules)},
		{"Distribution", slices.Concat(distributionRules, shareRules)},
		{"Images", imageRules},
		{"Pipelines", pipelineRules},
		{"Workflows", slices.Concat(workflowRules, workflowUseRules)},
		{"Lifecycle policies", lifecycleRules},
		{"AppStream", slices.Concat(appstreamRules, streamFleetRules, streamStackRules, streamImageRules)},
		{"Packer templates", packerRules},
	}
}

var byID = sync.OnceValue(func() map[string]Rule {
	m := map[string]Rule{}
	for _, t := range Topics() {
		for _, r := range t.Rules {
			m[r.ID] = r
		}
	}
	return m
})

// Get returns a rule by its ID.
func Get(id string) (Rule, bool) {
	r, ok := byID()[id]
	return r, ok
}

// Suggest advises the ID nearest to one that does not exist.
func Suggest(id string) string {
	var ids []string
	for _, t := range Topics() {
		for _, r := range t.Rules {
			ids = append(ids, r.ID)
		}
	}
	if s := awsmodel.Suggest(id, ids); strings.HasPrefix(s, "Did you mean") {
		return s
	}
	return "docs/rules.md lists all rules."
}

// service is the service whose operations the rule names.
func (r *Rule) service() string {
	switch {
	case slices.ContainsFunc(r.on, func(s site) bool { return slices.Equal(s.ops, build) }):
		return ""
	case strings.HasPrefix(r.ID, "as-"):
		return "appstream:"
	default:
		return "imagebuilder:"
	}
}
