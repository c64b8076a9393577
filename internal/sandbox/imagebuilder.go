package sandbox

import (
	"slices"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// imageBuilder is the service's behaviour. What is well formed has been settled by the model before.
type imageBuilder struct {
	db      *database
	opts    *Options
	objects objectReader
	builds  *builder
	table   map[string]answer // by operation, as answers makes it
}

// An objectReader reads what components and workflows are given by uri.
type objectReader interface {
	read(bucket, key string, limit int64) ([]byte, error)
}

// defaultQuotas are AWS's per account and region, by kind, all adjustable (EC2 Image Builder
// endpoints and quotas, AWS General Reference).
func defaultQuotas() map[string]int {
	return map[string]int{
		"component":                    1000,
		"image-recipe":                 1000,
		"container-recipe":             1000,
		"infrastructure-configuration": 1000,
		"distribution-configuration":   1000,
		"image-pipeline":               75,
		"workflow":                     1000,
		"lifecycle-policy":             50,
		"image":                        100, // building at once
	}
}

// answers is the table of what the sandbox does; every other operation answers unsupported.
func (ib *imageBuilder) answers() map[string]answer {
	t := map[string]answer{
		"CreateComponent":                   ib.createComponent,
		"CreateImageRecipe":                 ib.createImageRecipe,
		"CreateContainerRecipe":             ib.createContainerRecipe,
		"CreateInfrastructureConfiguration": ib.createInfrastructure,
		"CreateDistributionConfiguration":   ib.createDistribution,
		"CreateImagePipeline":               ib.createPipeline,
		"CreateWorkflow":                    ib.createWorkflow,
		"CreateLifecyclePolicy":             ib.createLifecyclePolicy,
		"UpdateInfrastructureConfiguration": ib.updateInfrastructure,
		"UpdateDistributionConfiguration":   ib.updateDistribution,
		"UpdateImagePipeline":               ib.updatePipeline,
		"UpdateLifecyclePolicy":             ib.updateLifecyclePolicy,

		"CreateImage":                 ib.createImage,
		"StartImagePipelineExecution": ib.startPipeline,
		"CancelImageCreation":         ib.cancelImage,
		"RetryImage":                  ib.retryImage,
		"DistributeImage":             ib.distributeImage,
		"ListImagePackages":           ib.listImagePackages,
		"ImportComponent":             ib.importComponent,

		"StartResourceStateUpdate":         ib.startStateUpdate,
		"CancelLifecycleExecution":         ib.cancelLifecycleExecution,
		"GetLifecycleExecution":            ib.getLifecycleExecution,
		"ListLifecycleExecutions":          ib.listLifecycleExecutions,
		"ListLifecycleExecutionResources":  ib.listLifecycleResources,
		"ListImageScanFindings":            ib.listScanFindings,
		"ListImageScanFindingAggregations": ib.listScanAggregations,

		"GetWorkflowExecution":       ib.getWorkflowExecution,
		"GetWorkflowStepExecution":   ib.getWorkflowStep,
		"ListWorkflowExecutions":     ib.listWorkflowExecutions,
		"ListWorkflowStepExecutions": ib.listWorkflowSteps,
		"ListWaitingWorkflowSteps":   ib.listWaitingSteps,

		"TagResource":         ib.tagResource,
		"UntagResource":       ib.untagResource,
		"ListTagsForResource": ib.listTags,
	}
	for _, k := range kinds() {
		t["Get"+k.typ] = ib.get(k)
		t["Delete"+k.typ] = ib.remove(k)
	}
	for _, p := range []policied{
		{"Component", "component", "componentArn"},
		{"ImageRecipe", "image-recipe", "imageRecipeArn"},
		{"ContainerRecipe", "container-recipe", "containerRecipeArn"},
		{"Image", "image", "imageArn"},
	} {
		t["Get"+p.typ+"Policy"] = ib.getPolicy(p)
		t["Put"+p.typ+"Policy"] = ib.putPolicy(p)
	}
	for _, l := range listings() {
		t[l.operation] = ib.list(l)
	}
	return t
}

// answer finds an operation's behaviour, and wraps what all share around it: the managed things of
// the region, the client token, the ids in the response.
func (ib *imageBuilder) answer(op *awsmodel.Operation) answer {
	act, ok := ib.table[op.Name]
	if !ok {
		return func(c *call) (object, error) { return nil, unsupported(c.op, "%s.", c.op.Name) }
	}
	return func(c *call) (object, error) {
		ib.seedRegion(c.region)
		ib.updateDue(c.now)
		if err := ib.entitled(c); err != nil {
			return nil, err
		}
		out, err := ib.once(c, act)
		if err != nil {
			return nil, err
		}
		return with(out, object{"requestId": c.id}), nil
	}
}

// once makes a call with a client token at most once: the same token with the same parameters gets
// the first answer again, with others an error. How long AWS remembers a token is published
// nowhere; here it is as long as what the call made.
func (ib *imageBuilder) once(c *call, act answer) (object, error) {
	tok := text(c.in, "clientToken")
	if tok == "" {
		return act(c)
	}
	key := c.region + "/" + c.account + "/" + c.op.Name + "/" + tok
	input := canonical(c.in)
	if t := ib.db.tokens.get(key); t != nil {
		if t.Input != input {
			return nil, fail("IdempotentParameterMismatchException",
				"The client token '%s' was used with different parameters.", tok)
		}
		return t.Output, nil
	}
	out, err := act(c)
	if err != nil {
		return nil, err
	}
	out = with(out, object{"clientToken": tok})
	ib.db.tokens.put(key, &token{Input: input, Output: out, ARN: madeARN(c.op, out)})
	return out, nil
}

// madeARN is the ARN in a response.
func madeARN(op *awsmodel.Operation, out object) string {
	for _, m := range op.Output.Members {
		if s := text(out, m.Name); s != "" {
			if _, ok := parseRef(s); ok {
				return s
			}
		}
	}
	return ""
}

// A kind is how one kind of resource appears in Get and Delete.
type kind struct {
	typ      string // the name in operations: "ImageRecipe"
	name     string // the name in ARNs: "image-recipe"
	argument string // the member of Get's and Delete's input that holds the ARN
	result   string // the member of Get's output
	versions bool   // whether Get says how to follow new versions
}

func kinds() []kind {
	return []kind{
		{"Component", "component", "componentBuildVersionArn", "component", true},
		{"ImageRecipe", "image-recipe", "imageRecipeArn", "imageRecipe", true},
		{"ContainerRecipe", "container-recipe", "containerRecipeArn", "containerRecipe", true},
		{"InfrastructureConfiguration", "infrastructure-configuration", "infrastructureConfigurationArn", "infrastructureConfiguration", false},
		{"DistributionConfiguration", "distribution-configuration", "distributionConfigurationArn", "distributionConfiguration", false},
		{"ImagePipeline", "image-pipeline", "imagePipelineArn", "imagePipeline", false},
		{"Image", "image", "imageBuildVersionArn", "image", true},
		{"Workflow", "workflow", "workflowBuildVersionArn", "workflow", true},
		{"LifecyclePolicy", "lifecycle-policy", "lifecyclePolicyArn", "lifecyclePolicy", false},
	}
}

func kindNamed(name string) kind {
	all := kinds()
	return all[slices.IndexFunc(all, func(k kind) bool { return k.name == name })]
}

func (ib *imageBuilder) get(k kind) answer {
	return func(c *call) (object, error) {
		arn := text(c.in, k.argument)
		r := ib.db.resolve(arn, k.name)
		if r == nil {
			return nil, notFound(arn)
		}
		out := object{k.result: shownAt(r, c.now)}
		if k.versions {
			out["latestVersionReferences"] = r.latestReferences()
		}
		return out, nil
	}
}

func (ib *imageBuilder) remove(k kind) answer {
	return func(c *call) (object, error) {
		arn := text(c.in, k.argument)
		r := ib.db.exact(arn)
		switch {
		case r == nil || r.ref.kind != k.name:
			return nil, notFound(arn)
		case r.managed || r.ref.owner != c.account:
			return nil, fail("ForbiddenException", "You are not authorized to delete the resource '%s'.", arn)
		case ib.inUse(r):
			return nil, depended(arn)
		}
		ib.db.drop(r)
		return object{k.argument: arn}, nil
	}
}

// create stores a new resource unless it exists, the quota is reached, or the call was a dry run,
// which AWS answers by an error that means success.
func (ib *imageBuilder) create(c *call, r *resource) (object, error) {
	r.ref, _ = parseRef(r.ARN)
	k := kindNamed(r.ref.kind)
	if old := ib.db.exact(r.ARN); old != nil {
		return nil, exists(k.typ, r.ARN)
	}
	if quota := ib.quota(k.name); len(ib.db.all(c.region, c.account, k.name)) >= quota {
		return nil, fail("ServiceQuotaExceededException",
			"You have exceeded the number of resources of type %s permitted: %d.", k.typ, quota)
	}
	if flag(false, c.in, "dryRun") {
		return nil, fail("DryRunOperationException", "Request would have succeeded, but dryRun flag is set.")
	}
	r.Created = c.now
	r.Body = with(r.Body, object{"arn": r.ARN})
	if _, has := r.Body["tags"]; !has {
		r.Body["tags"] = object{}
	}
	ib.db.add(r)
	out := object{k.argument: r.ARN}
	if k.versions {
		out["latestVersionReferences"] = r.latestReferences()
	}
	return out, nil
}

func (ib *imageBuilder) quota(kind string) int {
	if q, ok := ib.opts.Quotas[kind]; ok {
		return q
	}
	return defaultQuotas()[kind]
}
