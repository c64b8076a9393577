package aws

import (
	"context"
	"encoding/json"
	"maps"
	"strings"

	"github.com/org/imagebuild-action/planner"
)

// A resource says how the things that one operation reads are found and read.
type resource struct {
	arg   string // the member of the reading operation's input that takes the ARN
	root  string // the member of its output that is the thing
	list  planner.Op
	items string // the member of the list's output that holds the things
	whole bool   // the list holds all that reading one would tell
}

// resources are keyed by the operation that reads one. Lists of builds are taken where there are
// any: unlike lists of versions they tell tags and build numbers.
var resources = map[planner.Op]resource{ //nolint:gochecknoglobals // a table, never written
	"imagebuilder:GetComponent": {
		arg: "componentBuildVersionArn", root: "component",
		list: "imagebuilder:ListComponentBuildVersions", items: "componentSummaryList",
	},
	"imagebuilder:GetWorkflow": {
		arg: "workflowBuildVersionArn", root: "workflow",
		list: "imagebuilder:ListWorkflowBuildVersions", items: "workflowSummaryList",
	},
	"imagebuilder:GetImageRecipe": {
		arg: "imageRecipeArn", root: "imageRecipe",
		list: "imagebuilder:ListImageRecipes", items: "imageRecipeSummaryList",
	},
	"imagebuilder:GetContainerRecipe": {
		arg: "containerRecipeArn", root: "containerRecipe",
		list: "imagebuilder:ListContainerRecipes", items: "containerRecipeSummaryList",
	},
	"imagebuilder:GetInfrastructureConfiguration": {
		arg: "infrastructureConfigurationArn", root: "infrastructureConfiguration",
		list: "imagebuilder:ListInfrastructureConfigurations", items: "infrastructureConfigurationSummaryList",
	},
	"imagebuilder:GetDistributionConfiguration": {
		arg: "distributionConfigurationArn", root: "distributionConfiguration",
		list: "imagebuilder:ListDistributionConfigurations", items: "distributionConfigurationSummaryList",
	},
	"imagebuilder:GetImagePipeline": {
		arg: "imagePipelineArn", root: "imagePipeline",
		list: "imagebuilder:ListImagePipelines", items: "imagePipelineList", whole: true,
	},
	"imagebuilder:GetLifecyclePolicy": {
		arg: "lifecyclePolicyArn", root: "lifecyclePolicy",
		list: "imagebuilder:ListLifecyclePolicies", items: "lifecyclePolicySummaryList",
	},
	"imagebuilder:GetImage": {
		arg: "imageBuildVersionArn", root: "image",
		list: "imagebuilder:ListImageBuildVersions", items: "imageSummaryList",
	},
}

// get reads one thing by its ARN; nil means that AWS does not have it.
func (c *Clients) get(ctx context.Context, op planner.Op, region, arn string) (object, error) {
	r := resources[op]
	out, err := c.answer(ctx, op, region, object{r.arg: arn})
	if Code(err) == notFound {
		return nil, nil //nolint:nilnil // not being there is an answer
	}
	if err != nil {
		return nil, err
	}
	return sub(out, r.root), nil
}

// notFound is sent by every Get of Image Builder although none of their models lists it.
const notFound = "ResourceNotFoundException"

// answer is read with its output in the wire's vocabulary.
func (c *Clients) answer(ctx context.Context, op planner.Op, region string, in object) (object, error) {
	var out object
	err := persist(ctx, func() error {
		o, err := c.once(ctx, op, region, in)
		out = o
		return err
	})
	return out, err
}

// once is answer without another try.
func (c *Clients) once(ctx context.Context, op planner.Op, region string, in object) (object, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	out, err := c.send(ctx, op, region, raw)
	if err != nil {
		return nil, err
	}
	return wire(op, out), nil
}

// pageSize is the most that Image Builder's lists give at once.
const pageSize = 25

// pages lists at most limit pages and hands each item on until visit returns false. It says whether
// the list ended by itself: what was not visited then is not there.
func (c *Clients) pages(ctx context.Context, q query, visit func(object) bool) (ended bool, err error) {
	in := object{"maxResults": pageSize}
	maps.Copy(in, q.in)
	for range q.limit {
		out, err := c.answer(ctx, q.op, q.region, in)
		if err != nil {
			return false, err
		}
		for _, item := range list(out, q.items) {
			if !visit(item) {
				return false, nil
			}
		}
		next := text(out, "nextToken")
		if next == "" {
			return true, nil
		}
		in["nextToken"] = next
	}
	return false, nil
}

// A query is one listing.
type query struct {
	op     planner.Op
	region string
	in     object
	items  string
	limit  int // pages
}

// versionOf is a build's ARN without the build number.
func versionOf(buildARN string) string {
	if i := strings.LastIndexByte(buildARN, '/'); i >= 0 {
		return buildARN[:i]
	}
	return buildARN
}

func sub(o object, member string) object {
	m, _ := o[member].(map[string]any)
	return m
}

func text(o object, member string) string {
	s, _ := o[member].(string)
	return s
}

func list(o object, member string) []object {
	all, _ := o[member].([]any)
	out := make([]object, 0, len(all))
	for _, e := range all {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
