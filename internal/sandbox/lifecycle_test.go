package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder/types"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// update starts a change of an image's state, with its AMIs and snapshots.
func (f *fixture) update(arn string, status types.ResourceStatus, edit ...func(*imagebuilder.StartResourceStateUpdateInput)) *string {
	f.Helper()
	in := &imagebuilder.StartResourceStateUpdateInput{
		ResourceArn: &arn, State: &types.ResourceState{Status: status}, ExecutionRole: aws.String("role"),
		IncludeResources: &types.ResourceStateUpdateIncludeResources{Amis: true, Snapshots: true},
	}
	for _, e := range edit {
		e(in)
	}
	return must[*imagebuilder.StartResourceStateUpdateOutput](f)(f.ib.StartResourceStateUpdate(f.Context(), in)).LifecycleExecutionId
}

func (f *fixture) execution(id *string) *types.LifecycleExecution {
	f.Helper()
	return must[*imagebuilder.GetLifecycleExecutionOutput](f)(f.ib.GetLifecycleExecution(f.Context(), &imagebuilder.GetLifecycleExecutionInput{LifecycleExecutionId: id})).LifecycleExecution
}

// TestStateUpdates: an image and its AMI through the states of their life, at once and later.
func TestStateUpdates(t *testing.T) {
	now := newClock()
	f := start(t, sandbox.Options{Now: now.time})
	arn := f.image(f.recipe("web", parent, f.component("web", "true")), f.infrastructure("web"))
	ami := *f.wait(arn).OutputResources.Amis[0].Image
	state := func() (types.ImageStatus, *ec2types.Image) {
		img := must[*imagebuilder.GetImageOutput](f)(f.ib.GetImage(t.Context(), &imagebuilder.GetImageInput{ImageBuildVersionArn: &arn})).Image
		shown := must[*ec2.DescribeImagesOutput](f)(f.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{ami}})).Images
		return img.State.Status, &shown[0]
	}
	later := f.update(arn, types.ResourceStatusDeprecated, func(in *imagebuilder.StartResourceStateUpdateInput) {
		in.UpdateAt = aws.Time(now.time().Add(time.Hour))
	})
	if s, _ := state(); s != types.ImageStatusAvailable || f.execution(later).State.Status != types.LifecycleExecutionStatusPending {
		t.Errorf("before its time: %s, %s", s, f.execution(later).State.Status)
	}
	cancelled := f.update(arn, types.ResourceStatusDeleted, func(in *imagebuilder.StartResourceStateUpdateInput) {
		in.UpdateAt = aws.Time(now.time().Add(time.Hour))
	})
	must[*imagebuilder.CancelLifecycleExecutionOutput](f)(f.ib.CancelLifecycleExecution(t.Context(), &imagebuilder.CancelLifecycleExecutionInput{LifecycleExecutionId: cancelled}))
	now.pass(2 * time.Hour)
	if s, shown := state(); s != types.ImageStatusDeprecated || shown.DeprecationTime == nil || f.execution(later).State.Status != types.LifecycleExecutionStatusSuccess {
		t.Errorf("after its time: %s, %v, %s", s, shown.DeprecationTime, f.execution(later).State.Status)
	}
	for deprecated, want := range map[bool]int{false: 0, true: 1} {
		if n := len(must[*imagebuilder.ListImagesOutput](f)(f.ib.ListImages(t.Context(), &imagebuilder.ListImagesInput{IncludeDeprecated: &deprecated})).ImageVersionList); n != want {
			t.Errorf("with includeDeprecated %v, %d images are listed, want %d", deprecated, n, want)
		}
	}
	f.update(arn, types.ResourceStatusDisabled)
	if s, shown := state(); s != types.ImageStatusDisabled || shown.State != ec2types.ImageStateDisabled {
		t.Errorf("disabled: %s, %s", s, shown.State)
	}
	if own := must[*ec2.DescribeImagesOutput](f)(f.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"self"}})).Images; len(own) != 0 {
		t.Errorf("disabled images are listed: %d", len(own))
	}
	f.update(arn, types.ResourceStatusAvailable)
	if s, shown := state(); s != types.ImageStatusAvailable || shown.State != ec2types.ImageStateAvailable || shown.DeprecationTime != nil {
		t.Errorf("available again: %s, %s, %v", s, shown.State, shown.DeprecationTime)
	}
	all := must[*imagebuilder.ListLifecycleExecutionsOutput](f)(f.ib.ListLifecycleExecutions(t.Context(), &imagebuilder.ListLifecycleExecutionsInput{ResourceArn: &arn, MaxResults: aws.Int32(2)}))
	if len(all.LifecycleExecutions) != 2 || all.NextToken == nil {
		t.Errorf("a page of %d executions", len(all.LifecycleExecutions))
	}
	gone := f.update(arn, types.ResourceStatusDeleted)
	_, err := f.ib.GetImage(t.Context(), &imagebuilder.GetImageInput{ImageBuildVersionArn: &arn})
	f.refused(err, "ResourceNotFoundException")
	_, err = f.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{ami}})
	f.refused(err, "InvalidAMIID.NotFound")
	did := must[*imagebuilder.ListLifecycleExecutionResourcesOutput](f)(f.ib.ListLifecycleExecutionResources(t.Context(), &imagebuilder.ListLifecycleExecutionResourcesInput{LifecycleExecutionId: gone, ParentResourceId: &arn})).Resources
	if len(did) != 1 || *did[0].ResourceId != ami || did[0].Action.Name != types.LifecycleExecutionResourceActionNameDelete || len(did[0].Snapshots) != 1 {
		t.Errorf("it did %+v", did)
	}
	_, err = f.ib.GetLifecycleExecution(t.Context(), &imagebuilder.GetLifecycleExecutionInput{LifecycleExecutionId: aws.String("lce-00000000-0000-0000-0000-000000000000")})
	f.refused(err, "InvalidRequestException", "does not exist")
}

// TestImportComponent: a script becomes a component that runs it.
func TestImportComponent(t *testing.T) {
	f := start(t, overlay(t))
	arn := must[*imagebuilder.ImportComponentOutput](f)(f.ib.ImportComponent(t.Context(), &imagebuilder.ImportComponentInput{
		Name: aws.String("script"), SemanticVersion: aws.String("1.0.0"), Platform: types.PlatformLinux, Type: types.ComponentTypeBuild, Format: types.ComponentFormatShell,
		Data: aws.String("#!/bin/bash\nx='from: the \"script\"'\necho \"$x\"\n"),
	})).ComponentBuildVersionArn
	img := f.wait(f.image(f.recipe("script", parent, *arn), f.infrastructure("web")))
	if log := strings.Join(f.log("/aws/imagebuilder/script"), "\n"); img.State.Status != types.ImageStatusAvailable || !strings.Contains(log, `Stdout: from: the "script"`) {
		t.Errorf("%s:\n%s", img.State.Status, log)
	}
	// The packages of the root that it ran in are known by then.
	pages := imagebuilder.NewListImagePackagesPaginator(f.ib, &imagebuilder.ListImagePackagesInput{ImageBuildVersionArn: img.Arn})
	versions := map[string]string{}
	for pages.HasMorePages() {
		for _, p := range must[*imagebuilder.ListImagePackagesOutput](f)(pages.NextPage(t.Context())).ImagePackageList {
			versions[*p.PackageName] = *p.PackageVersion
		}
	}
	if versions["bash"] == "" {
		t.Errorf("among %d packages there is no bash", len(versions))
	}
	findings := must[*imagebuilder.ListImageScanFindingsOutput](f)(f.ib.ListImageScanFindings(t.Context(), &imagebuilder.ListImageScanFindingsInput{}))
	if len(findings.Findings) != 0 {
		t.Errorf("findings without a scan: %+v", findings)
	}
	f.wait(f.image(f.recipe("scanned", parent, *arn), f.infrastructure("scanned"), func(in *imagebuilder.CreateImageInput) {
		in.ImageScanningConfiguration = &types.ImageScanningConfiguration{ImageScanningEnabled: aws.Bool(true)}
	}))
	_, err := f.ib.ListImageScanFindings(t.Context(), &imagebuilder.ListImageScanFindingsInput{})
	f.refused(err, "InvalidRequestException", "It has no list of vulnerabilities")
}

// TestSharedByPolicy: what another account may see and build on, its resource policy says; the owner alone changes it.
func TestSharedByPolicy(t *testing.T) {
	f := start(t, sandbox.Options{})
	arn := f.component("web", "true")
	other := config(f.url, region)
	other.Credentials = credentials.NewStaticCredentialsProvider("210987654321", "s", "")
	theirs := imagebuilder.NewFromConfig(other)
	shared := func() int {
		t.Helper()
		return len(must[*imagebuilder.ListComponentsOutput](f)(theirs.ListComponents(t.Context(), &imagebuilder.ListComponentsInput{Owner: types.OwnershipShared})).ComponentVersionList)
	}
	get := func() error {
		_, err := theirs.GetComponent(t.Context(), &imagebuilder.GetComponentInput{ComponentBuildVersionArn: &arn})
		return err
	}
	if n := shared(); n != 0 {
		t.Errorf("%d components are shared before a policy", n)
	}
	f.refused(get(), "ForbiddenException", arn)
	must[*imagebuilder.PutComponentPolicyOutput](f)(f.ib.PutComponentPolicy(t.Context(), &imagebuilder.PutComponentPolicyInput{
		ComponentArn: &arn, Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["210987654321"]},"Action":["imagebuilder:GetComponent","imagebuilder:ListComponents"],"Resource":["` + arn + `"]}]}`),
	}))
	if n := shared(); n != 1 || get() != nil {
		t.Errorf("%d components are shared by the policy; reading it: %v", n, get())
	}
	_, err := theirs.DeleteComponent(t.Context(), &imagebuilder.DeleteComponentInput{ComponentBuildVersionArn: &arn})
	f.refused(err, "ForbiddenException")
	third := config(f.url, region)
	third.Credentials = credentials.NewStaticCredentialsProvider("111122223333", "s", "")
	_, err = imagebuilder.NewFromConfig(third).GetComponent(t.Context(), &imagebuilder.GetComponentInput{ComponentBuildVersionArn: &arn})
	f.refused(err, "ForbiddenException")
}

// TestCopyImage: an AMI into another region, and not into another partition.
func TestCopyImage(t *testing.T) {
	f := start(t, sandbox.Options{})
	ami := *f.wait(f.image(f.recipe("web", parent, f.component("web", "true")), f.infrastructure("web"))).OutputResources.Amis[0].Image
	there := ec2.NewFromConfig(config(f.url, "us-east-1"))
	in := &ec2.CopyImageInput{SourceRegion: aws.String(region), SourceImageId: &ami, Name: aws.String("the copy"), CopyImageTags: aws.Bool(true), Encrypted: aws.Bool(true)}
	id := must[*ec2.CopyImageOutput](f)(there.CopyImage(t.Context(), in)).ImageId
	got := must[*ec2.DescribeImagesOutput](f)(there.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{*id}})).Images[0]
	if *got.Name != "the copy" || *got.OwnerId != account || len(got.Tags) != 2 || !*got.BlockDeviceMappings[0].Ebs.Encrypted {
		t.Errorf("the copy is %+v", got)
	}
	again := *in
	again.ClientToken = aws.String("another")
	_, err := there.CopyImage(t.Context(), &again)
	f.refused(err, "InvalidAMIName.Duplicate")
	for _, elsewhere := range []string{"cn-north-1", "us-gov-west-1"} {
		_, err = ec2.NewFromConfig(config(f.url, elsewhere)).CopyImage(t.Context(), in)
		f.refused(err, "InvalidParameterValue", "another partition")
	}
	in.SourceImageId = aws.String("ami-0123456789abcdef0")
	_, err = there.CopyImage(t.Context(), in)
	f.refused(err, "InvalidAMIID.NotFound")
}
