package rules

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// writing are the operations that hand a resource's whole content to the service.
var writing = []string{
	"CreateComponent", "CreateContainerRecipe", "CreateDistributionConfiguration", "CreateImage",
	"CreateImagePipeline", "CreateImageRecipe", "CreateInfrastructureConfiguration",
	"CreateLifecyclePolicy", "CreateWorkflow", "DistributeImage", "ImportComponent",
	"ImportDiskImage", "ImportVmImage", "StartImagePipelineExecution", "StartResourceStateUpdate",
	"UpdateDistributionConfiguration", "UpdateImagePipeline", "UpdateInfrastructureConfiguration",
	"UpdateLifecyclePolicy",
}

// The operations that name a version, by the form it may have.
var (
	numericVersion  = []string{"CreateComponent", "CreateWorkflow", "ImportComponent", "ImportDiskImage", "ImportVmImage"}
	wildcardVersion = []string{"CreateImageRecipe", "CreateContainerRecipe"}
)

var commonRules = []Rule{
	{
		ID: "ib-empty-list", Source: "hashicorp/terraform-provider-aws#17390: empty lists are refused and have to be left out",
		Says: "Lists are not empty.",
		on:   on(writing, ""), judge: emptyLists,
	},
	{
		ID: "ib-version-range", Source: "API Reference, CreateComponent: nodes of semanticVersion",
		Says: "A number in a version is at most 1073741823.",
		on:   []site{{numericVersion, "semanticVersion"}, {wildcardVersion, "semanticVersion"}}, judge: versionNodes,
	},
	{
		ID: "ib-version-wildcards", Source: "User Guide, automatic versioning: a recipe's version may hold one x",
		Says: "A new recipe's version holds at most one x.",
		on:   on(wildcardVersion, "semanticVersion"), judge: oneWildcard,
	},
}

// emptyLists refuses empty lists, which the service takes for mistakes even where the model sets
// no least number of entries.
func emptyLists(s *subject) {
	if !holdsEmptyList(s.value) {
		return
	}
	var visit func(path string, v any)
	visit = func(path string, v any) {
		switch x := v.(type) {
		case []any:
			if len(x) == 0 {
				s.refuse(path, "It must not be empty", "Leave it out, or give it an entry.")
			}
			for i, e := range x {
				visit(path+index(i), e)
			}
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(x)) {
				visit(path+"."+awsmodel.Printable(k), x[k])
			}
		}
	}
	visit("", s.value)
}

// holdsEmptyList says whether there is anything for emptyLists to spell out in the order of its names.
func holdsEmptyList(v any) bool {
	switch x := v.(type) {
	case []any:
		return len(x) == 0 || slices.ContainsFunc(x, holdsEmptyList)
	case map[string]any:
		for _, e := range x {
			if holdsEmptyList(e) {
				return true
			}
		}
	}
	return false
}

// maxNode is the largest number a node of a version may be, 2^30-1.
const maxNode = 1<<30 - 1

// versionNodes checks the range of a version's nodes; their form is the model's business.
func versionNodes(s *subject) {
	for node := range strings.SplitSeq(text(s.value), ".") {
		if node == "x" || node == "" || digits(node) != len(node) {
			continue
		}
		if n, err := strconv.ParseInt(node, 10, 64); err != nil || n > maxNode {
			s.refuseAs(codeVersion, "", "A number in it exceeds 1073741823",
				"Use numbers of at most 1073741823 (2^30-1) between the dots.")
			return
		}
	}
}

// oneWildcard allows a new recipe one x, which the service replaces by the next number.
func oneWildcard(s *subject) {
	if strings.Count(text(s.value), "x") > 1 {
		s.refuseAs(codeVersion, "", "A recipe's version may hold one x",
			"Write one x, in place of the node that the service is to count up, as in 1.0.x.")
	}
}

// versionReference checks a version inside an ARN: its nodes' range, and that behind an x there are only x.
func versionReference(s *subject) {
	a, err := awsmodel.ParseARN(text(s.value))
	if err != nil {
		return
	}
	r, err := a.ParseResource()
	if err != nil || !versionForm().MatchString(r.Version) {
		return
	}
	_, behind, wild := strings.Cut(r.Version, "x")
	if wild && strings.ContainsAny(behind, "0123456789") {
		s.refuseAs(codeVersion, "", "Behind an x in the version "+r.Version+" there is a number",
			"Write x in every place to the right of the first x: x.x.x, 1.x.x or 1.2.x.")
		return
	}
	nodes := &subject{value: r.Version, at: s.at, rule: s.rule}
	versionNodes(nodes)
	s.found = append(s.found, nodes.found...)
}

// exactlyOne refuses an input that has none or several of its alternatives.
func exactlyOne(names ...string) func(*subject) {
	return func(s *subject) {
		m := object(s.value)
		var given []string
		for _, n := range names {
			if present(m[n]) {
				given = append(given, n)
			}
		}
		list := strings.Join(names, " or ")
		switch {
		case len(given) == 0:
			s.refuseAs(codeCombination, "", "Exactly one of "+list+" must be given, and none is", "Give "+list+".")
		case len(given) > 1:
			s.refuseAs(codeCombination, "."+given[len(given)-1],
				"Exactly one of "+list+" must be given, and several are", "Keep one of "+strings.Join(given, " and ")+".")
		}
	}
}

// atMost refuses a list longer than an adjustable quota.
func atMost(n int, of string) func(*subject) {
	return func(s *subject) {
		if l := entries(s.value); len(l) > n {
			s.refuseAs(codeQuota, "", "There are "+strconv.Itoa(len(l))+" "+of+", and the quota is "+strconv.Itoa(n),
				"Keep at most "+strconv.Itoa(n)+", or have the quota raised for the account.")
		}
	}
}

// kmsARN refuses what is not the ARN of a KMS key or alias.
func kmsARN(s *subject) {
	a, err := awsmodel.ParseARN(text(s.value))
	if err == nil && a.Service == "kms" && (strings.HasPrefix(a.Resource, "key/") || strings.HasPrefix(a.Resource, "alias/")) {
		return
	}
	s.refuse("", "It must be the ARN of a KMS key or alias",
		"Write the key's ARN, arn:aws:kms:<region>:<account>:key/<id>, or the alias's, which ends in alias/<name>.")
}

// s3URI refuses what does not name an S3 object.
func s3URI(s *subject) {
	rest, ok := strings.CutPrefix(text(s.value), "s3://")
	bucket, key, _ := strings.Cut(rest, "/")
	if !ok || bucket == "" || key == "" || strings.HasSuffix(key, "/") {
		s.refuse("", "It must name an S3 object", "Write s3://<bucket>/<key>.")
	}
}

// notBlank refuses an empty text where the model sets no least length.
func notBlank(s *subject) {
	if v, ok := s.value.(string); ok && v == "" {
		s.refuse("", "It must not be empty", "Leave it out, or give it a value.")
	}
}
