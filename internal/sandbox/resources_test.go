package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ibapi "github.com/aws/aws-sdk-go-v2/service/imagebuilder"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder/types"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// TestFive makes the five classic resources and reads back what was sent.
func TestFive(t *testing.T) {
	f := start(t, sandbox.Options{})
	comp := f.component("My Component_v2", "echo hi")
	if want := arnBase + "component/my-component-v2/1.0.0/1"; comp != want {
		t.Errorf("component is %s, want %s", comp, want)
	}
	recipe := f.recipe("web", parent, comp)
	infra, dist := f.infrastructure("web"), f.distribution("web", toRegion(region))
	pipe := *must[*ibapi.CreateImagePipelineOutput](f)(f.ib.CreateImagePipeline(t.Context(), &ibapi.CreateImagePipelineInput{
		Name: aws.String("web"), ImageRecipeArn: &recipe, InfrastructureConfigurationArn: &infra, DistributionConfigurationArn: &dist,
		Schedule: &types.Schedule{ScheduleExpression: aws.String("cron(0 6 ? * MON *)")},
	})).ImagePipelineArn

	c := must[*ibapi.GetComponentOutput](f)(f.ib.GetComponent(t.Context(), &ibapi.GetComponentInput{ComponentBuildVersionArn: &comp}))
	if *c.Component.Name != "My Component_v2" || c.Component.Type != types.ComponentTypeBuild || *c.Component.Data != *document("echo hi") {
		t.Errorf("component reads %+v", c.Component)
	}
	if got := *c.LatestVersionReferences.LatestMajorVersionArn; got != arnBase+"component/my-component-v2/1.x.x" {
		t.Errorf("latest major is %s", got)
	}
	if _, err := time.Parse(time.RFC3339, *c.Component.DateCreated); err != nil {
		t.Errorf("dateCreated: %v", err)
	}
	r := must[*ibapi.GetImageRecipeOutput](f)(f.ib.GetImageRecipe(t.Context(), &ibapi.GetImageRecipeInput{ImageRecipeArn: &recipe})).ImageRecipe
	if r.Platform != types.PlatformLinux || *r.WorkingDirectory != "/tmp" || *r.Components[0].ComponentArn != comp || r.Type != types.ImageTypeAmi {
		t.Errorf("recipe reads %+v", r)
	}
	i := must[*ibapi.GetInfrastructureConfigurationOutput](f)(f.ib.GetInfrastructureConfiguration(t.Context(),
		&ibapi.GetInfrastructureConfigurationInput{InfrastructureConfigurationArn: &infra})).InfrastructureConfiguration
	if *i.InstanceProfileName != "profile" || !*i.TerminateInstanceOnFailure {
		t.Errorf("infrastructure reads %+v", i)
	}
	d := must[*ibapi.GetDistributionConfigurationOutput](f)(f.ib.GetDistributionConfiguration(t.Context(),
		&ibapi.GetDistributionConfigurationInput{DistributionConfigurationArn: &dist})).DistributionConfiguration
	if *d.Distributions[0].AmiDistributionConfiguration.Name != "web {{ imagebuilder:buildDate }}" {
		t.Errorf("distribution reads %+v", d)
	}
	p := must[*ibapi.GetImagePipelineOutput](f)(f.ib.GetImagePipeline(t.Context(), &ibapi.GetImagePipelineInput{ImagePipelineArn: &pipe})).ImagePipeline
	if p.Status != types.PipelineStatusEnabled || !*p.ImageTestsConfiguration.ImageTestsEnabled || *p.Schedule.Timezone != "UTC" || p.Platform != types.PlatformLinux {
		t.Errorf("pipeline reads %+v", p)
	}
}

func TestGetOfNothing(t *testing.T) {
	f := start(t, sandbox.Options{})
	arn := arnBase + "component/none/1.0.0/1"
	_, err := f.ib.GetComponent(t.Context(), &ibapi.GetComponentInput{ComponentBuildVersionArn: &arn})
	f.refused(err, "ResourceNotFoundException", arn)
	arn = arnBase + "image-recipe/none/1.0.0"
	_, err = f.ib.DeleteImageRecipe(t.Context(), &ibapi.DeleteImageRecipeInput{ImageRecipeArn: &arn})
	f.refused(err, "ResourceNotFoundException", arn)
}

func TestBadName(t *testing.T) {
	f := start(t, sandbox.Options{})
	_, err := f.ib.CreateComponent(t.Context(), &ibapi.CreateComponentInput{
		Name: aws.String("a!"), SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformLinux, Data: document("true"),
	})
	f.refused(err, "InvalidParameterValueException", "The value supplied for parameter 'name' is not valid.")
}

// TestComponentBuilds: the same content exists, other content is the next build, and a version or
// wildcard stands for the latest.
func TestComponentBuilds(t *testing.T) {
	f := start(t, sandbox.Options{})
	create := func(version, command string) (*ibapi.CreateComponentOutput, error) {
		return f.ib.CreateComponent(t.Context(), &ibapi.CreateComponentInput{
			Name: aws.String("web"), SemanticVersion: &version, Platform: types.PlatformLinux, Data: document(command),
		})
	}
	must[*ibapi.CreateComponentOutput](f)(create("1.0.0", "echo a"))
	_, err := create("1.0.0", "echo a")
	f.refused(err, "ResourceAlreadyExistsException", "'Component' already exists: '"+arnBase+"component/web/1.0.0/1'")
	if got := *must[*ibapi.CreateComponentOutput](f)(create("1.0.0", "echo b")).ComponentBuildVersionArn; !strings.HasSuffix(got, "/1.0.0/2") {
		t.Errorf("changed content is %s", got)
	}
	must[*ibapi.CreateComponentOutput](f)(create("1.2.0", "echo c"))
	must[*ibapi.CreateComponentOutput](f)(create("2.0.0", "echo d"))
	for ref, want := range map[string]string{"1.0.0": "1.0.0/2", "1.x.x": "1.2.0/1", "x.x.x": "2.0.0/1", "1.0.0/1": "1.0.0/1"} {
		arn := arnBase + "component/web/" + ref
		got := must[*ibapi.GetComponentOutput](f)(f.ib.GetComponent(t.Context(), &ibapi.GetComponentInput{ComponentBuildVersionArn: &arn}))
		if !strings.HasSuffix(*got.Component.Arn, "/"+want) {
			t.Errorf("%s stands for %s, want %s", ref, *got.Component.Arn, want)
		}
	}
	_, err = create("1.0.x", "echo e")
	f.refused(err, "InvalidParameterValueException", "semanticVersion")
}

func TestComponentDocuments(t *testing.T) {
	f := start(t, sandbox.Options{})
	step := func(name, body string) *string {
		return aws.String("schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: " + name + "\n" + body)
	}
	for text, data := range map[string]*string{
		"Invalid step name 'Install PowerShell' in phase 'build'": step("Install PowerShell", "        action: ExecuteBash\n        inputs: {commands: [x]}\n"),
		"Action S3Download has no inputs":                         step("Download", "        action: S3Download\n"),
		"Unsupported action InvokeBash":                           step("Go", "        action: InvokeBash\n        inputs: {commands: [x]}\n"),
		"Unsupported action ExecutePowerShell":                    step("Go", "        action: ExecutePowerShell\n        inputs: {commands: [x]}\n"),
		"Invalid schema version":                                  aws.String("schemaVersion: 2.0\nphases: []\n"),
	} {
		_, err := f.ib.CreateComponent(t.Context(), &ibapi.CreateComponentInput{
			Name: aws.String("web"), SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformLinux, Data: data,
		})
		f.refused(err, "InvalidParameterValueException", "The value supplied for parameter 'data' is not valid.", text)
	}
	test := must[*ibapi.CreateComponentOutput](f)(f.ib.CreateComponent(t.Context(), &ibapi.CreateComponentInput{
		Name: aws.String("check"), SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformLinux,
		Data: aws.String(strings.Replace(*document("true"), "build", "test", 1)),
	}))
	got := must[*ibapi.GetComponentOutput](f)(f.ib.GetComponent(t.Context(), &ibapi.GetComponentInput{ComponentBuildVersionArn: test.ComponentBuildVersionArn}))
	if got.Component.Type != types.ComponentTypeTest {
		t.Errorf("a document with phase test alone is of type %s", got.Component.Type)
	}
}

func TestRecipeRules(t *testing.T) {
	f := start(t, sandbox.Options{})
	windows := must[*ibapi.CreateComponentOutput](f)(f.ib.CreateComponent(t.Context(), &ibapi.CreateComponentInput{
		Name: aws.String("win"), SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformWindows,
		Data: aws.String(strings.Replace(*document("dir"), "ExecuteBash", "ExecutePowerShell", 1)),
	})).ComponentBuildVersionArn
	asks := must[*ibapi.CreateComponentOutput](f)(f.ib.CreateComponent(t.Context(), &ibapi.CreateComponentInput{
		Name: aws.String("asks"), SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformLinux,
		Data: aws.String(strings.Replace(*document("echo '{{ Size }}'"), "phases:", "parameters:\n  - Size: {type: string}\nphases:", 1)),
	})).ComponentBuildVersionArn
	only := must[*ibapi.CreateComponentOutput](f)(f.ib.CreateComponent(t.Context(), &ibapi.CreateComponentInput{
		Name: aws.String("only"), SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformLinux, Data: document("true"),
		SupportedOsVersions: []string{"Ubuntu"},
	})).ComponentBuildVersionArn
	use := func(arn string, params ...string) []types.ComponentConfiguration {
		c := types.ComponentConfiguration{ComponentArn: &arn}
		for _, p := range params {
			c.Parameters = append(c.Parameters, types.ComponentParameter{Name: &p, Value: []string{"1"}})
		}
		return []types.ComponentConfiguration{c}
	}
	for _, tt := range []struct {
		name       string
		parent     string
		components []types.ComponentConfiguration
		code       string
		text       string
	}{
		{"unknown component", parent, use(arnBase + "component/none/x.x.x"), "InvalidParameterValueException", "'components[0].componentArn' is not valid"},
		{"unknown parent", managed + "image/none/x.x.x", nil, "InvalidParameterValueException", "'parentImage' is not valid"},
		{"malformed parent", "my-image", nil, "InvalidParameterValueException", "'parentImage' is not valid"},
		{"other platform", parent, use(*windows), "InvalidParameterCombinationException", "platform 'Windows'"},
		{"other system", parent, use(*only), "InvalidParameterCombinationException", "Amazon Linux 2023"},
		{"missing parameter", parent, use(*asks), "InvalidParameterCombinationException", "Size"},
		{
			"unknown parameter", parent, use(*asks, "Size", "S3BucketName"), "InvalidParameterCombinationException",
			"The value supplied for parameter 'components[0].parameters' is not valid. The following parameters are not defined in the provided component: S3BucketName",
		},
		{"twice", parent, append(use(*asks, "Size"), use(*asks, "Size")...), "InvalidParameterValueException", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sub := &fixture{T: t, ib: f.ib}
			_, err := f.ib.CreateImageRecipe(t.Context(), &ibapi.CreateImageRecipeInput{
				Name: aws.String("web"), SemanticVersion: aws.String("1.0.0"), ParentImage: &tt.parent, Components: tt.components,
			})
			sub.refused(err, tt.code, tt.text)
		})
	}
	for _, p := range []string{"ami-0123456789abcdef0", "ssm:/my/parameter", managed + "image/ubuntu-server-24-lts-x86/x.x.x"} {
		f.recipe("ok-"+strings.NewReplacer(":", "-", "/", "-", ".", "-").Replace(p), p, managed+"component/update-linux/x.x.x")
	}
}

func TestRecipeVersions(t *testing.T) {
	f := start(t, sandbox.Options{})
	create := func(name, version string) (*ibapi.CreateImageRecipeOutput, error) {
		return f.ib.CreateImageRecipe(t.Context(), &ibapi.CreateImageRecipeInput{Name: &name, SemanticVersion: &version, ParentImage: aws.String(parent)})
	}
	for _, tt := range []struct{ version, want string }{{"1.0.x", "1.0.0"}, {"1.0.x", "1.0.1"}, {"1.x.0", "1.1.0"}, {"x.0.0", "2.0.0"}, {"1.0.5", "1.0.5"}, {"1.0.x", "1.0.6"}} {
		if got := *must[*ibapi.CreateImageRecipeOutput](f)(create("web", tt.version)).ImageRecipeArn; !strings.HasSuffix(got, "/"+tt.want) {
			t.Errorf("%s makes %s, want %s", tt.version, got, tt.want)
		}
	}
	_, err := create("WEB", "1.0.5")
	f.refused(err, "ResourceAlreadyExistsException", "The following resource 'ImageRecipe' already exists: '"+arnBase+"image-recipe/web/1.0.5'.")
	_, err = create("my recipe", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	_, err = create("My_Recipe", "1.0.0")
	f.refused(err, "ResourceAlreadyExistsException", "my-recipe")
}

func TestDependants(t *testing.T) {
	f := start(t, sandbox.Options{})
	comp := f.component("web", "true")
	spare := f.component("spare", "true")
	recipe := f.recipe("web", parent, comp)
	wild := f.recipe("wild", parent, strings.Replace(spare, "1.0.0/1", "1.x.x", 1))
	infra, dist := f.infrastructure("web"), f.distribution("web", toRegion(region))
	pipe := must[*ibapi.CreateImagePipelineOutput](f)(f.ib.CreateImagePipeline(t.Context(), &ibapi.CreateImagePipelineInput{
		Name: aws.String("web"), ImageRecipeArn: &recipe, InfrastructureConfigurationArn: &infra, DistributionConfigurationArn: &dist,
	})).ImagePipelineArn
	want := func(err error, arn string) {
		t.Helper()
		f.refused(err, "ResourceDependencyException", "Resource dependency error: The resource ARN '"+arn+"' has other resources depended on it.")
	}
	_, err := f.ib.DeleteComponent(t.Context(), &ibapi.DeleteComponentInput{ComponentBuildVersionArn: &comp})
	want(err, comp)
	_, err = f.ib.DeleteComponent(t.Context(), &ibapi.DeleteComponentInput{ComponentBuildVersionArn: &spare})
	want(err, spare)
	_, err = f.ib.DeleteImageRecipe(t.Context(), &ibapi.DeleteImageRecipeInput{ImageRecipeArn: &recipe})
	want(err, recipe)
	_, err = f.ib.DeleteInfrastructureConfiguration(t.Context(), &ibapi.DeleteInfrastructureConfigurationInput{InfrastructureConfigurationArn: &infra})
	want(err, infra)
	_, err = f.ib.DeleteDistributionConfiguration(t.Context(), &ibapi.DeleteDistributionConfigurationInput{DistributionConfigurationArn: &dist})
	want(err, dist)

	must[*ibapi.DeleteImagePipelineOutput](f)(f.ib.DeleteImagePipeline(t.Context(), &ibapi.DeleteImagePipelineInput{ImagePipelineArn: pipe}))
	for _, r := range []string{recipe, wild} {
		must[*ibapi.DeleteImageRecipeOutput](f)(f.ib.DeleteImageRecipe(t.Context(), &ibapi.DeleteImageRecipeInput{ImageRecipeArn: &r}))
	}
	must[*ibapi.DeleteComponentOutput](f)(f.ib.DeleteComponent(t.Context(), &ibapi.DeleteComponentInput{ComponentBuildVersionArn: &comp}))
	must[*ibapi.DeleteInfrastructureConfigurationOutput](f)(f.ib.DeleteInfrastructureConfiguration(t.Context(),
		&ibapi.DeleteInfrastructureConfigurationInput{InfrastructureConfigurationArn: &infra}))
	_, err = f.ib.DeleteComponent(t.Context(), &ibapi.DeleteComponentInput{ComponentBuildVersionArn: aws.String(managed + "component/update-linux/1.0.2/1")})
	f.refused(err, "ForbiddenException")
}

func TestClientTokens(t *testing.T) {
	f := start(t, sandbox.Options{})
	in := &ibapi.CreateInfrastructureConfigurationInput{Name: aws.String("web"), InstanceProfileName: aws.String("p"), ClientToken: aws.String("token-1")}
	a := must[*ibapi.CreateInfrastructureConfigurationOutput](f)(f.ib.CreateInfrastructureConfiguration(t.Context(), in))
	b := must[*ibapi.CreateInfrastructureConfigurationOutput](f)(f.ib.CreateInfrastructureConfiguration(t.Context(), in))
	if *a.InfrastructureConfigurationArn != *b.InfrastructureConfigurationArn || *b.ClientToken != "token-1" {
		t.Errorf("the second answer differs: %+v %+v", a, b)
	}
	in.InstanceProfileName = aws.String("q")
	_, err := f.ib.CreateInfrastructureConfiguration(t.Context(), in)
	f.refused(err, "IdempotentParameterMismatchException")
	must[*ibapi.DeleteInfrastructureConfigurationOutput](f)(f.ib.DeleteInfrastructureConfiguration(t.Context(),
		&ibapi.DeleteInfrastructureConfigurationInput{InfrastructureConfigurationArn: a.InfrastructureConfigurationArn}))
	must[*ibapi.CreateInfrastructureConfigurationOutput](f)(f.ib.CreateInfrastructureConfiguration(t.Context(), in))
}

func TestDryRun(t *testing.T) {
	f := start(t, sandbox.Options{})
	in := &ibapi.CreateComponentInput{
		Name: aws.String("web"), SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformLinux, Data: document("true"), DryRun: true,
	}
	_, err := f.ib.CreateComponent(t.Context(), in)
	f.refused(err, "DryRunOperationException", "Request would have succeeded, but dryRun flag is set.")
	in.DryRun = false
	must[*ibapi.CreateComponentOutput](f)(f.ib.CreateComponent(t.Context(), in))
}

// TestUpdate: an update replaces everything but name, tags and dates.
func TestUpdate(t *testing.T) {
	f := start(t, sandbox.Options{})
	arn := must[*ibapi.CreateInfrastructureConfigurationOutput](f)(f.ib.CreateInfrastructureConfiguration(t.Context(), &ibapi.CreateInfrastructureConfigurationInput{
		Name: aws.String("web"), InstanceProfileName: aws.String("p"), KeyPair: aws.String("k"), Tags: map[string]string{"a": "b"},
	})).InfrastructureConfigurationArn
	must[*ibapi.UpdateInfrastructureConfigurationOutput](f)(f.ib.UpdateInfrastructureConfiguration(t.Context(), &ibapi.UpdateInfrastructureConfigurationInput{
		InfrastructureConfigurationArn: arn, InstanceProfileName: aws.String("q"),
	}))
	got := must[*ibapi.GetInfrastructureConfigurationOutput](f)(f.ib.GetInfrastructureConfiguration(t.Context(),
		&ibapi.GetInfrastructureConfigurationInput{InfrastructureConfigurationArn: arn})).InfrastructureConfiguration
	if got.KeyPair != nil || *got.InstanceProfileName != "q" || *got.Name != "web" || got.Tags["a"] != "b" || got.DateUpdated == nil {
		t.Errorf("after the update: %+v", got)
	}
	_, err := f.ib.UpdateInfrastructureConfiguration(t.Context(), &ibapi.UpdateInfrastructureConfigurationInput{
		InfrastructureConfigurationArn: aws.String(*arn + "-x"), InstanceProfileName: aws.String("q"),
	})
	f.refused(err, "ResourceNotFoundException")
}

func TestTags(t *testing.T) {
	f := start(t, sandbox.Options{})
	arn := f.component("web", "true")
	must[*ibapi.TagResourceOutput](f)(f.ib.TagResource(t.Context(), &ibapi.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"a": "1", "b": "2"}}))
	must[*ibapi.UntagResourceOutput](f)(f.ib.UntagResource(t.Context(), &ibapi.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a", "c"}}))
	got := must[*ibapi.ListTagsForResourceOutput](f)(f.ib.ListTagsForResource(t.Context(), &ibapi.ListTagsForResourceInput{ResourceArn: &arn}))
	if len(got.Tags) != 1 || got.Tags["b"] != "2" {
		t.Errorf("tags are %v", got.Tags)
	}
	_, err := f.ib.TagResource(t.Context(), &ibapi.TagResourceInput{ResourceArn: aws.String(arn[:len(arn)-1] + "9"), Tags: map[string]string{"a": "1"}})
	f.refused(err, "ResourceNotFoundException")
	_, err = f.ib.TagResource(t.Context(), &ibapi.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"aws:x": "1"}})
	f.refused(err, "InvalidParameterException")
	many := map[string]string{}
	for i := range 50 {
		many["k"+string(rune('A'+i/26))+string(rune('a'+i%26))] = ""
	}
	_, err = f.ib.TagResource(t.Context(), &ibapi.TagResourceInput{ResourceArn: &arn, Tags: many})
	f.refused(err, "InvalidParameterException", "at most 50")
}

func TestPolicies(t *testing.T) {
	f := start(t, sandbox.Options{})
	arn := f.component("web", "true")
	_, err := f.ib.GetComponentPolicy(t.Context(), &ibapi.GetComponentPolicyInput{ComponentArn: &arn})
	f.refused(err, "ResourceNotFoundException")
	_, err = f.ib.PutComponentPolicy(t.Context(), &ibapi.PutComponentPolicyInput{ComponentArn: &arn, Policy: aws.String("nonsense")})
	f.refused(err, "InvalidParameterValueException", "'policy'")
	policy := `{"Version":"2012-10-17","Statement":[]}`
	must[*ibapi.PutComponentPolicyOutput](f)(f.ib.PutComponentPolicy(t.Context(), &ibapi.PutComponentPolicyInput{ComponentArn: &arn, Policy: &policy}))
	if got := must[*ibapi.GetComponentPolicyOutput](f)(f.ib.GetComponentPolicy(t.Context(), &ibapi.GetComponentPolicyInput{ComponentArn: &arn})); *got.Policy != policy {
		t.Errorf("policy is %s", *got.Policy)
	}
}

func TestQuotaAndFaults(t *testing.T) {
	f := start(t, sandbox.Options{
		Quotas: map[string]int{"infrastructure-configuration": 1},
		Faults: []sandbox.Fault{{Operation: "ListComponents", First: 2, Count: 2, Code: "CallRateLimitExceededException"}},
	})
	f.infrastructure("one")
	_, err := f.ib.CreateInfrastructureConfiguration(t.Context(), &ibapi.CreateInfrastructureConfigurationInput{
		Name: aws.String("two"), InstanceProfileName: aws.String("p"),
	})
	f.refused(err, "ServiceQuotaExceededException", "InfrastructureConfiguration")
	for i, fails := range []bool{false, true, true, false} {
		_, err := f.ib.ListComponents(t.Context(), &ibapi.ListComponentsInput{})
		if fails {
			f.refused(err, "CallRateLimitExceededException")
		} else if err != nil {
			t.Errorf("call %d: %v", i+1, err)
		}
	}
	if got := f.server.Calls()["imagebuilder:ListComponents"]; got != 4 {
		t.Errorf("%d calls counted, want 4", got)
	}
}

func TestUnsupported(t *testing.T) {
	f := start(t, sandbox.Options{})
	_, err := f.ib.ImportVmImage(t.Context(), &ibapi.ImportVmImageInput{
		Name: aws.String("web"), SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformLinux, VmImportTaskId: aws.String("import-ami-1"),
	})
	f.refused(err, "ClientException", "The sandbox does not do this: ImportVmImage.")
}

func TestLifecyclePolicyAndWorkflow(t *testing.T) {
	f := start(t, sandbox.Options{})
	arn := must[*ibapi.CreateLifecyclePolicyOutput](f)(f.ib.CreateLifecyclePolicy(t.Context(), &ibapi.CreateLifecyclePolicyInput{
		Name: aws.String("old"), ExecutionRole: aws.String("role"), ResourceType: types.LifecyclePolicyResourceTypeAmiImage,
		PolicyDetails: []types.LifecyclePolicyDetail{{
			Action: &types.LifecyclePolicyDetailAction{Type: types.LifecyclePolicyDetailActionTypeDelete},
			Filter: &types.LifecyclePolicyDetailFilter{Type: types.LifecyclePolicyDetailFilterTypeCount, Value: aws.Int32(3)},
		}},
		ResourceSelection: &types.LifecyclePolicyResourceSelection{TagMap: map[string]string{"a": "b"}},
	})).LifecyclePolicyArn
	got := must[*ibapi.GetLifecyclePolicyOutput](f)(f.ib.GetLifecyclePolicy(t.Context(), &ibapi.GetLifecyclePolicyInput{LifecyclePolicyArn: arn})).LifecyclePolicy
	if got.DateCreated == nil || time.Since(*got.DateCreated) > time.Minute || got.Status != types.LifecyclePolicyStatusEnabled {
		t.Errorf("policy reads %+v", got)
	}
	data := "schemaVersion: 1.0\nsteps:\n  - name: LaunchBuildInstance\n    action: LaunchInstance\n    inputs:\n      waitFor: ssmAgent\n"
	wf := must[*ibapi.CreateWorkflowOutput](f)(f.ib.CreateWorkflow(t.Context(), &ibapi.CreateWorkflowInput{
		Name: aws.String("mine"), SemanticVersion: aws.String("1.0.0"), Type: types.WorkflowTypeBuild, Data: &data,
	})).WorkflowBuildVersionArn
	if want := arnBase + "workflow/build/mine/1.0.0/1"; *wf != want {
		t.Errorf("workflow is %s, want %s", *wf, want)
	}
	if w := must[*ibapi.GetWorkflowOutput](f)(f.ib.GetWorkflow(t.Context(), &ibapi.GetWorkflowInput{WorkflowBuildVersionArn: wf})).Workflow; *w.Data != data {
		t.Errorf("workflow reads %+v", w)
	}
}

// TestContainerRecipe: container recipes are kept; building one is refused.
func TestContainerRecipe(t *testing.T) {
	f := start(t, sandbox.Options{})
	arn := must[*ibapi.CreateContainerRecipeOutput](f)(f.ib.CreateContainerRecipe(t.Context(), &ibapi.CreateContainerRecipeInput{
		Name: aws.String("box"), SemanticVersion: aws.String("1.0.0"), ContainerType: types.ContainerTypeDocker,
		ParentImage: aws.String("amazonlinux:latest"), Components: []types.ComponentConfiguration{{ComponentArn: aws.String(f.component("web", "true"))}},
		TargetRepository:       &types.TargetContainerRepository{RepositoryName: aws.String("repo"), Service: types.ContainerRepositoryServiceEcr},
		DockerfileTemplateData: aws.String("FROM {{{ imagebuilder:parentImage }}}\n{{{ imagebuilder:environments }}}\n{{{ imagebuilder:components }}}\n"),
	})).ContainerRecipeArn
	got := must[*ibapi.GetContainerRecipeOutput](f)(f.ib.GetContainerRecipe(t.Context(), &ibapi.GetContainerRecipeInput{ContainerRecipeArn: arn})).ContainerRecipe
	if got.Platform != types.PlatformLinux || !strings.HasPrefix(*got.DockerfileTemplateData, "FROM") || *got.TargetRepository.RepositoryName != "repo" {
		t.Errorf("recipe reads %+v", got)
	}
	_, err := f.ib.CreateImage(t.Context(), &ibapi.CreateImageInput{ContainerRecipeArn: arn, InfrastructureConfigurationArn: aws.String(f.infrastructure("web"))})
	f.refused(err, "InvalidRequestException", "The sandbox does not do this: building container images.")
	must[*ibapi.DeleteContainerRecipeOutput](f)(f.ib.DeleteContainerRecipe(t.Context(), &ibapi.DeleteContainerRecipeInput{ContainerRecipeArn: arn}))
}

func TestVersionBounds(t *testing.T) {
	f := start(t, sandbox.Options{})
	for version, code := range map[string]string{"1073741824.0.0": "InvalidVersionNumberException", "1.x.x": "InvalidVersionNumberException"} {
		_, err := f.ib.CreateImageRecipe(t.Context(), &ibapi.CreateImageRecipeInput{Name: aws.String("web"), SemanticVersion: &version, ParentImage: aws.String(parent)})
		f.refused(err, code)
	}
}
