package sandbox_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	ibapi "github.com/aws/aws-sdk-go-v2/service/imagebuilder"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/sandbox"
)

// overlay skips a test on machines where components cannot run.
func overlay(t *testing.T) sandbox.Options {
	t.Helper()
	if _, err := component.OpenRoot(t.Context(), component.RootSpec{Kind: "overlay", Scratch: t.TempDir()}, os.Args[0]); err != nil {
		t.Skip(err)
	}
	return sandbox.Options{Root: "overlay"}
}

// log is the whole of a group's stream 1.0.0/1.
func (f *fixture) log(group string) []string {
	f.Helper()
	var lines []string
	var token *string
	for {
		out := must[*cloudwatchlogs.GetLogEventsOutput](f)(f.logs.GetLogEvents(f.Context(), &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: &group, LogStreamName: aws.String("1.0.0/1"), StartFromHead: aws.Bool(true), NextToken: token, Limit: aws.Int32(7),
		}))
		for _, e := range out.Events {
			lines = append(lines, *e.Message)
		}
		if token != nil && *out.NextForwardToken == *token {
			return lines
		}
		token = out.NextForwardToken
	}
}

// TestBuild runs a recipe for real: both components in order, tests on the result, output in
// every region and account.
func TestBuild(t *testing.T) {
	f := start(t, overlay(t))
	must[*s3.PutObjectOutput](f)(f.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("page"), Body: strings.NewReader("hello")}))
	first := *must[*ibapi.CreateComponentOutput](f)(f.ib.CreateComponent(t.Context(), &ibapi.CreateComponentInput{
		Name: aws.String("first"), SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformLinux, Data: aws.String(`
schemaVersion: 1.0
parameters:
  - Greeting: {type: string}
phases:
  - name: build
    steps:
      - name: Get
        action: S3Download
        inputs: [{source: 's3://files/page', destination: /opt/page}]
      - name: Write
        action: ExecuteBash
        inputs: {commands: ['echo "{{ Greeting }} $(cat /opt/page)" > /opt/greeting']}
  - name: test
    steps:
      - name: Read
        action: ExecuteBash
        inputs: {commands: ['echo "tested: $(cat /opt/greeting)"', 'echo spoiled > /opt/greeting']}
`),
	})).ComponentBuildVersionArn
	second := f.component("second", `echo "second sees $(cat /opt/greeting)"`)
	recipe := *must[*ibapi.CreateImageRecipeOutput](f)(f.ib.CreateImageRecipe(t.Context(), &ibapi.CreateImageRecipeInput{
		Name: aws.String("Web"), SemanticVersion: aws.String("1.0.0"), ParentImage: aws.String(parent), AmiTags: map[string]string{"recipe": "yes"},
		Components: []types.ComponentConfiguration{
			{ComponentArn: &first, Parameters: []types.ComponentParameter{{Name: aws.String("Greeting"), Value: []string{"good day"}}}},
			{ComponentArn: &second},
		},
	})).ImageRecipeArn
	home := toRegion(region)
	home.AmiDistributionConfiguration.TargetAccountIds = []string{"210987654321"}
	home.SsmParameterConfigurations = []types.SsmParameterConfiguration{{ParameterName: aws.String("/imagebuilder/web"), DataType: types.SsmParameterDataTypeAwsEc2Image}}
	dist := f.distribution("web", home, toRegion("eu-central-1"))
	arn := f.image(recipe, f.infrastructure("web"), func(in *ibapi.CreateImageInput) {
		in.DistributionConfigurationArn = &dist
		in.Tags = map[string]string{"team": "web"}
	})
	if want := arnBase + "image/web/1.0.0/1"; arn != want {
		t.Errorf("image is %s, want %s", arn, want)
	}
	img := f.wait(arn)
	if img.State.Status != types.ImageStatusAvailable {
		t.Fatalf("image ended %s: %s", img.State.Status, aws.ToString(img.State.Reason))
	}
	lines := f.log("/aws/imagebuilder/Web")
	for _, want := range []string{"Stdout: second sees good day hello", "Stdout: tested: good day hello"} {
		if !slices.Contains(lines, want) {
			t.Errorf("the log lacks %q:\n%s", want, strings.Join(lines, "\n"))
		}
	}
	var where []string
	for _, a := range img.OutputResources.Amis {
		where = append(where, *a.Region+" "+*a.AccountId)
	}
	if want := []string{"eu-west-1 123456789012", "eu-west-1 210987654321", "eu-central-1 123456789012"}; !slices.Equal(where, want) {
		t.Errorf("AMIs are in %v, want %v", where, want)
	}
	id := *img.OutputResources.Amis[0].Image
	amis := must[*ec2.DescribeImagesOutput](f)(f.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{id}})).Images
	tags := map[string]string{}
	for _, tag := range amis[0].Tags {
		tags[*tag.Key] = *tag.Value
	}
	if tags["CreatedBy"] != "EC2 Image Builder" || tags["Ec2ImageBuilderArn"] != arn || tags["recipe"] != "yes" || tags["version"] != "1.0.0/1" {
		t.Errorf("tags of the AMI: %v", tags)
	}
	if name := *amis[0].Name; !strings.HasPrefix(name, "web 20") || strings.Contains(name, "{") {
		t.Errorf("name of the AMI: %s", name)
	}
	if p := must[*ssm.GetParameterOutput](f)(f.ssm.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/imagebuilder/web")})).Parameter; *p.Value != id {
		t.Errorf("the parameter holds %s, want %s", *p.Value, id)
	}
	f.workflows(arn, "build-image COMPLETED", "test-image COMPLETED")
	if got := must[*ibapi.GetImageOutput](f)(f.ib.GetImage(t.Context(), &ibapi.GetImageInput{ImageBuildVersionArn: aws.String(arnBase + "image/web/x.x.x")})); *got.Image.Arn != arn {
		t.Errorf("x.x.x stands for %s", *got.Image.Arn)
	}

	// An image on top of it sees its files as the build left them, not as the test did.
	child := f.image(f.recipe("child", id, f.component("child", `test "$(cat /opt/greeting)" = "good day hello"`)), f.infrastructure("child"))
	if img := f.wait(child); img.State.Status != types.ImageStatusAvailable {
		t.Errorf("the child ended %s: %s", img.State.Status, aws.ToString(img.State.Reason))
	}
	if _, err := os.Stat("/opt/greeting"); err == nil {
		t.Error("a component's file is on this machine")
	}
}

func (f *fixture) workflows(arn string, want ...string) {
	f.Helper()
	var got []string
	list := must[*ibapi.ListWorkflowExecutionsOutput](f)(f.ib.ListWorkflowExecutions(f.Context(), &ibapi.ListWorkflowExecutionsInput{ImageBuildVersionArn: &arn}))
	for _, w := range slices.Backward(list.WorkflowExecutions) {
		parts := strings.Split(*w.WorkflowBuildVersionArn, "/")
		got = append(got, parts[2]+" "+string(w.Status))
		steps := must[*ibapi.ListWorkflowStepExecutionsOutput](f)(f.ib.ListWorkflowStepExecutions(f.Context(),
			&ibapi.ListWorkflowStepExecutionsInput{WorkflowExecutionId: w.WorkflowExecutionId}))
		if len(steps.Steps) == 0 || !strings.HasPrefix(*steps.Steps[0].StepExecutionId, "step-") || !strings.HasPrefix(*w.WorkflowExecutionId, "wf-") {
			f.Errorf("steps of %s: %+v", parts[2], steps.Steps)
		}
	}
	if !slices.Equal(got, want) {
		f.Errorf("workflows are %v, want %v", got, want)
	}
}

// TestFailedStep: the image says which component, phase and step failed and why, and the log quotes
// what it wrote to stderr.
func TestFailedStep(t *testing.T) {
	f := start(t, overlay(t))
	comp := f.component("broken", `echo "cannot find the thing" >&2; exit 7`)
	arn := f.image(f.recipe("broken", parent, comp), f.infrastructure("web"))
	img := f.wait(arn)
	fc := img.State.FailureContext
	if img.State.Status != types.ImageStatusFailed || fc == nil || fc.ComponentFailure == nil {
		t.Fatalf("the image is %s, %+v", img.State.Status, fc)
	}
	if want := "Workflow Execution ID: '" + *fc.WorkflowExecutionId + "' failed with reason: Document " + comp + " failed!"; *img.State.Reason != want {
		t.Errorf("reason is %q, want %q", *img.State.Reason, want)
	}
	c := fc.ComponentFailure
	if *c.ComponentArn != comp || *c.PhaseName != "build" || *c.StepName != "Run" || *c.Action != "ExecuteBash" || *c.ErrorMessage != "exit status 7" {
		t.Errorf("component failure: %s %s %s %s %s", *c.ComponentArn, *c.PhaseName, *c.StepName, *c.Action, *c.ErrorMessage)
	}
	if fc.ImageStatus != types.ImageStatusBuilding || *fc.FailedStep != "ApplyBuildComponents" {
		t.Errorf("failed in %s, %s", fc.ImageStatus, *fc.FailedStep)
	}
	text := strings.Join(f.log("/aws/imagebuilder/broken"), "\n")
	for _, want := range []string{"ComponentArn: " + comp, "Phase: build", "Step: Run", "ErrorMessage: exit status 7", "Stderr: cannot find the thing"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %q:\n%s", want, text)
		}
	}
	f.workflows(arn, "build-image FAILED")
	_, err := f.ib.RetryImage(t.Context(), &ibapi.RetryImageInput{ImageBuildVersionArn: &arn})
	f.refused(err, "InvalidRequestException", "build stage")
}

// TestRetry: an image that failed its test is tested again in place.
func TestRetry(t *testing.T) {
	f := start(t, overlay(t))
	comp := *must[*ibapi.CreateComponentOutput](f)(f.ib.CreateComponent(t.Context(), &ibapi.CreateComponentInput{
		Name: aws.String("flaky"), SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformLinux, Data: aws.String(`
schemaVersion: 1.0
phases:
  - name: test
    steps:
      - name: Check
        action: ExecuteBash
        inputs: {commands: ['test "{{ aws:ssm:/ready }}" = yes']}
`),
	})).ComponentBuildVersionArn
	put := func(v string) {
		must[*ssm.PutParameterOutput](f)(f.ssm.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: aws.String("/ready"), Value: &v, Type: "String", Overwrite: aws.Bool(true),
		}))
	}
	put("no")
	arn := f.image(f.recipe("flaky", parent, comp), f.infrastructure("web"))
	if img := f.wait(arn); img.State.Status != types.ImageStatusFailed || img.State.FailureContext.ImageStatus != types.ImageStatusTesting {
		t.Fatalf("the image is %+v", img.State)
	}
	left := must[*ec2.DescribeImagesOutput](f)(f.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{
		Filters: []ec2types.Filter{{Name: aws.String("tag:Ec2ImageBuilderArn"), Values: []string{arn}}},
	}))
	if len(left.Images) != 1 {
		t.Errorf("%d AMIs are left behind by a failed test, want 1", len(left.Images))
	}
	put("yes")
	must[*ibapi.RetryImageOutput](f)(f.ib.RetryImage(t.Context(), &ibapi.RetryImageInput{ImageBuildVersionArn: &arn}))
	if img := f.wait(arn); img.State.Status != types.ImageStatusAvailable {
		t.Errorf("after the retry the image is %+v", img.State)
	}
	f.workflows(arn, "build-image COMPLETED", "test-image FAILED", "test-image COMPLETED")
}

// TestCancel ends a running step at once.
func TestCancel(t *testing.T) {
	f := start(t, overlay(t))
	arn := f.image(f.recipe("slow", parent, f.component("slow", "echo started; sleep 600")), f.infrastructure("web"))
	_, err := f.ib.DeleteImage(t.Context(), &ibapi.DeleteImageInput{ImageBuildVersionArn: &arn})
	f.refused(err, "ResourceDependencyException")
	f.until(func() bool { return slices.Contains(f.tryLog("/aws/imagebuilder/slow"), "Stdout: started") })
	begun := time.Now()
	must[*ibapi.CancelImageCreationOutput](f)(f.ib.CancelImageCreation(t.Context(), &ibapi.CancelImageCreationInput{ImageBuildVersionArn: &arn}))
	if img := f.wait(arn); img.State.Status != types.ImageStatusCancelled {
		t.Errorf("the image is %+v", img.State)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	f.workflows(arn, "build-image CANCELLED")
	_, err = f.ib.CancelImageCreation(t.Context(), &ibapi.CancelImageCreationInput{ImageBuildVersionArn: &arn})
	f.refused(err, "InvalidParameterValueException", "CANCELLED")
	must[*ibapi.DeleteImageOutput](f)(f.ib.DeleteImage(t.Context(), &ibapi.DeleteImageInput{ImageBuildVersionArn: &arn}))
}

func (f *fixture) until(done func() bool) {
	f.Helper()
	for range 2000 {
		if done() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	f.Fatal("it did not come about within ten seconds")
}

// tryLog is the log of a group's stream 1.0.0/1 so far.
func (f *fixture) tryLog(group string) []string {
	out, err := f.logs.GetLogEvents(f.Context(), &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: &group, LogStreamName: aws.String("1.0.0/1"), StartFromHead: aws.Bool(true),
	})
	if err != nil {
		return nil
	}
	var lines []string
	for _, e := range out.Events {
		lines = append(lines, *e.Message)
	}
	return lines
}

// TestNotRun: where nothing can run the image is there, and says that nothing was run.
func TestNotRun(t *testing.T) {
	f := start(t, sandbox.Options{})
	arn := f.image(f.recipe("web", parent, f.component("web", "exit 1")), f.infrastructure("web"))
	img := f.wait(arn)
	if img.State.Status != types.ImageStatusAvailable || !strings.Contains(aws.ToString(img.State.Reason), "ran none of the recipe's components") {
		t.Errorf("the image is %s: %s", img.State.Status, aws.ToString(img.State.Reason))
	}
	if !strings.Contains(f.server.Banner(), "not AWS") {
		t.Errorf("banner: %s", f.server.Banner())
	}
}

// TestLogsInS3: an infrastructure configuration's bucket gets each stage's console log, and the
// image's log says what the sandbox leaves out.
func TestLogsInS3(t *testing.T) {
	f := start(t, sandbox.Options{})
	infra := must[*ibapi.CreateInfrastructureConfigurationOutput](f)(f.ib.CreateInfrastructureConfiguration(t.Context(), &ibapi.CreateInfrastructureConfigurationInput{
		Name: aws.String("web"), InstanceProfileName: aws.String("p"), SnsTopicArn: aws.String("arn:aws:sns:eu-west-1:123456789012:builds"),
		Logging: &types.Logging{S3Logs: &types.S3Logs{S3BucketName: aws.String("logs"), S3KeyPrefix: aws.String("ib")}},
	})).InfrastructureConfigurationArn
	f.wait(f.image(f.recipe("web", parent, f.component("web", "true")), *infra))
	list := must[*s3.ListObjectsV2Output](f)(f.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("logs"), Prefix: aws.String("ib/web/1.0.0/1/wf-")}))
	var steps []string
	for _, o := range list.Contents {
		steps = append(steps, strings.Join(strings.Split(*o.Key, "/")[5:], "/"))
	}
	slices.Sort(steps)
	if want := []string{"ApplyBuildComponents/console.log", "ApplyTestComponents/console.log"}; !slices.Equal(steps, want) {
		t.Errorf("the bucket holds %v, want %v", steps, want)
	}
	if !slices.Contains(f.log("/aws/imagebuilder/web"), "NOT DONE: the sandbox does not notify the SNS topic") {
		t.Error("the log does not say that the topic was not notified")
	}
}

func TestWindowsIsNotRun(t *testing.T) {
	f := start(t, overlay(t))
	win := must[*ibapi.CreateComponentOutput](f)(f.ib.CreateComponent(t.Context(), &ibapi.CreateComponentInput{
		Name: aws.String("win"), SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformWindows,
		Data: aws.String(strings.Replace(*document("dir"), "ExecuteBash", "ExecutePowerShell", 1)),
	})).ComponentBuildVersionArn
	img := f.wait(f.image(f.recipe("win", managed+"image/windows-server-2025-english-full-base-x86/x.x.x", *win), f.infrastructure("web")))
	if img.State.Status != types.ImageStatusAvailable || !strings.Contains(aws.ToString(img.State.Reason), "Windows") {
		t.Errorf("the image is %s: %s", img.State.Status, aws.ToString(img.State.Reason))
	}
}

// TestWorkflowsOfImages: workflows leave stages out, and one of the user's own is not pretended to run.
func TestWorkflowsOfImages(t *testing.T) {
	f := start(t, sandbox.Options{})
	recipe, infra := f.recipe("web", parent), f.infrastructure("web")
	with := func(arn string) func(*ibapi.CreateImageInput) {
		return func(in *ibapi.CreateImageInput) {
			in.ExecutionRole = aws.String("arn:aws:iam::123456789012:role/x")
			in.Workflows = []types.WorkflowConfiguration{{WorkflowArn: &arn}}
		}
	}
	arn := f.image(recipe, infra, with(managed+"workflow/build/build-image/x.x.x"))
	f.wait(arn)
	f.workflows(arn, "build-image COMPLETED")
	arn = f.image(recipe, infra, func(in *ibapi.CreateImageInput) {
		in.ImageTestsConfiguration = &types.ImageTestsConfiguration{ImageTestsEnabled: aws.Bool(false)}
	})
	f.wait(arn)
	f.workflows(arn, "build-image COMPLETED")
	own := must[*ibapi.CreateWorkflowOutput](f)(f.ib.CreateWorkflow(t.Context(), &ibapi.CreateWorkflowInput{
		Name: aws.String("own"), SemanticVersion: aws.String("1.0.0"), Type: types.WorkflowTypeBuild,
		Data: aws.String("schemaVersion: 1.0\nsteps:\n  - name: LaunchBuildInstance\n    action: LaunchInstance\n    inputs:\n      waitFor: ssmAgent\n"),
	})).WorkflowBuildVersionArn
	if img := f.wait(f.image(recipe, infra, with(*own))); img.State.Status != types.ImageStatusFailed || !strings.Contains(*img.State.Reason, "The sandbox does not do this") {
		t.Errorf("with a workflow of one's own: %+v", img.State)
	}
	if img := f.wait(f.image(f.recipe("lost", "ssm:/no/such/parameter"), infra)); img.State.Status != types.ImageStatusFailed || !strings.Contains(*img.State.Reason, "/no/such/parameter") {
		t.Errorf("with a base image that no parameter names: %+v", img.State)
	}
	_, err := f.ib.CreateImage(t.Context(), &ibapi.CreateImageInput{ImageRecipeArn: &recipe, InfrastructureConfigurationArn: aws.String(infra + "-x")})
	f.refused(err, "InvalidParameterValueException", "'infrastructureConfigurationArn'")
}

func TestPipelineRun(t *testing.T) {
	f := start(t, sandbox.Options{})
	recipe, infra := f.recipe("web", parent), f.infrastructure("web")
	pipe := must[*ibapi.CreateImagePipelineOutput](f)(f.ib.CreateImagePipeline(t.Context(), &ibapi.CreateImagePipelineInput{
		Name: aws.String("nightly"), ImageRecipeArn: aws.String(strings.Replace(recipe, "1.0.0", "x.x.x", 1)),
		InfrastructureConfigurationArn: &infra, Status: types.PipelineStatusDisabled,
		LoggingConfiguration: &types.PipelineLoggingConfiguration{ImageLogGroupName: aws.String("/aws/imagebuilder/mine")},
	})).ImagePipelineArn
	arn := *must[*ibapi.StartImagePipelineExecutionOutput](f)(f.ib.StartImagePipelineExecution(t.Context(), &ibapi.StartImagePipelineExecutionInput{
		ImagePipelineArn: pipe, Tags: map[string]string{"a": "b"},
	})).ImageBuildVersionArn
	img := f.wait(arn)
	if *img.SourcePipelineArn != *pipe || *img.SourcePipelineName != "nightly" || img.Tags["a"] != "b" {
		t.Errorf("the image is %+v", img)
	}
	list := must[*ibapi.ListImagePipelineImagesOutput](f)(f.ib.ListImagePipelineImages(t.Context(), &ibapi.ListImagePipelineImagesInput{ImagePipelineArn: pipe}))
	if len(list.ImageSummaryList) != 1 || *list.ImageSummaryList[0].Arn != arn {
		t.Errorf("images of the pipeline: %+v", list.ImageSummaryList)
	}
	if len(f.log("/aws/imagebuilder/mine")) == 0 {
		t.Error("nothing in the pipeline's log group")
	}
	f.until(func() bool {
		p := must[*ibapi.GetImagePipelineOutput](f)(f.ib.GetImagePipeline(t.Context(), &ibapi.GetImagePipelineInput{ImagePipelineArn: pipe})).ImagePipeline
		return p.LastRunStatus == types.ImageStatusAvailable
	})
}

func TestDistributeImage(t *testing.T) {
	f := start(t, sandbox.Options{})
	arn := f.image(f.recipe("web", parent), f.infrastructure("web"))
	f.wait(arn)
	dist := f.distribution("far", toRegion("us-west-2"))
	in := &ibapi.DistributeImageInput{SourceImage: &arn, DistributionConfigurationArn: &dist, ExecutionRole: aws.String("arn:aws:iam::123456789012:role/x")}
	made := must[*ibapi.DistributeImageOutput](f)(f.ib.DistributeImage(t.Context(), in)).ImageBuildVersionArn
	img := f.wait(*made)
	if *made != arnBase+"image/web/1.0.0/2" || len(img.OutputResources.Amis) != 1 || *img.OutputResources.Amis[0].Region != "us-west-2" {
		t.Errorf("%s: %+v", *made, img.OutputResources)
	}
	// The newest build has no AMI here, and can be built upon all the same.
	if img := f.wait(f.image(f.recipe("child", arnBase+"image/web/x.x.x"), arnBase+"infrastructure-configuration/web")); img.State.Status != types.ImageStatusAvailable {
		t.Errorf("the child is %+v", img.State)
	}
	in.SourceImage, in.ClientToken = aws.String("ami-0123456789abcdef0"), nil
	_, err := f.ib.DistributeImage(t.Context(), in)
	f.refused(err, "InvalidRequestException", "The sandbox does not do this")
}

// TestStages: states last as long as the options say, and are seen in their order.
func TestStages(t *testing.T) {
	f := start(t, sandbox.Options{Builds: 1, StageTimes: map[string]time.Duration{
		"CREATING": 60 * time.Millisecond, "BUILDING": 60 * time.Millisecond, "TESTING": 60 * time.Millisecond, "DISTRIBUTING": 60 * time.Millisecond, "INTEGRATING": 60 * time.Millisecond,
	}})
	recipe, infra, dist := f.recipe("web", parent), f.infrastructure("web"), f.distribution("web", toRegion(region))
	arn := f.image(recipe, infra, func(in *ibapi.CreateImageInput) { in.DistributionConfigurationArn = &dist })
	second := f.image(recipe, infra)
	var seen []types.ImageStatus
	f.until(func() bool {
		s := must[*ibapi.GetImageOutput](f)(f.ib.GetImage(t.Context(), &ibapi.GetImageInput{ImageBuildVersionArn: &arn})).Image.State.Status
		if len(seen) == 0 || seen[len(seen)-1] != s {
			seen = append(seen, s)
		}
		return s == types.ImageStatusAvailable
	})
	want := []types.ImageStatus{"CREATING", "BUILDING", "TESTING", "DISTRIBUTING", "INTEGRATING", "AVAILABLE"}
	if seen[0] == "PENDING" {
		seen = seen[1:]
	}
	if !slices.Equal(seen, want) {
		t.Errorf("states were %v, want %v", seen, want)
	}
	f.wait(second)
}
