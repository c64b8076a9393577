package sandbox_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/appstream"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/appstream/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	ibapi "github.com/aws/aws-sdk-go-v2/service/imagebuilder"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder/types"

	"github.com/org/imagebuild-action/internal/sandbox"
)

const importRole = "arn:aws:iam::123456789012:role/import"

// slow is a sandbox whose states all last a minute of the clock.
func slow(t *testing.T, opts sandbox.Options) (*fixture, *clock) {
	t.Helper()
	now := newClock()
	opts.Now = now.time
	if opts.AppStream.StateTimes == nil {
		opts.AppStream.StateTimes = map[string]time.Duration{"": time.Minute}
	}
	return start(t, opts), now
}

// as is the same sandbox for another account or in another region.
func (f *fixture) as(account, region string) *appstream.Client {
	cfg := config(f.url, region)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(account, "secret", "")
	return appstream.NewFromConfig(cfg)
}

// windowsAMI builds an AMI of a Windows base image, which on this machine runs nothing.
func (f *fixture) windowsAMI(parentName string, edit ...func(*ibapi.CreateImageRecipeInput)) string {
	f.Helper()
	bases := must[*ec2.DescribeImagesOutput](f)(f.ec2.DescribeImages(f.Context(), &ec2.DescribeImagesInput{
		Filters: []ec2types.Filter{{Name: aws.String("name"), Values: []string{parentName}}},
	})).Images
	in := &ibapi.CreateImageRecipeInput{
		Name: aws.String("cad" + itoa(len(parentName))), SemanticVersion: aws.String("1.0.0"), ParentImage: bases[0].ImageId,
		Components: []types.ComponentConfiguration{{ComponentArn: aws.String(managed + "component/update-windows/x.x.x")}},
	}
	for _, e := range edit {
		e(in)
	}
	recipe := *must[*ibapi.CreateImageRecipeOutput](f)(f.ib.CreateImageRecipe(f.Context(), in)).ImageRecipeArn
	img := f.wait(f.image(recipe, f.infrastructure("infra"+*in.Name)))
	if img.State.Status != types.ImageStatusAvailable {
		f.Fatalf("the AMI ended %s: %s", img.State.Status, aws.ToString(img.State.Reason))
	}
	return *img.OutputResources.Amis[0].Image
}

// imported is an image that is AVAILABLE.
func (f *fixture) imported(now *clock, name, ami string) {
	f.Helper()
	must[*appstream.CreateImportedImageOutput](f)(f.app.CreateImportedImage(f.Context(), &appstream.CreateImportedImageInput{
		Name: &name, SourceAmiId: &ami, IamRoleArn: aws.String(importRole), Tags: map[string]string{"team": "cad"},
	}))
	now.pass(time.Minute)
}

func (f *fixture) streamImage(name string) streamtypes.Image {
	f.Helper()
	return must[*appstream.DescribeImagesOutput](f)(f.app.DescribeImages(f.Context(), &appstream.DescribeImagesInput{Names: []string{name}})).Images[0]
}

func TestStreamImport(t *testing.T) {
	f, now := slow(t, sandbox.Options{})
	ami := f.windowsAMI("TPM-Windows_Server-2022*")
	in := &appstream.CreateImportedImageInput{
		Name: aws.String("cad"), SourceAmiId: &ami, IamRoleArn: aws.String(importRole), DryRun: aws.Bool(true),
		AgentSoftwareVersion:    streamtypes.AgentSoftwareVersionAlwaysLatest,
		RuntimeValidationConfig: &streamtypes.RuntimeValidationConfig{IntendedInstanceType: aws.String("GeneralPurpose.t3.large")},
		AppCatalogConfig:        []streamtypes.ApplicationConfig{{Name: aws.String("cad"), AbsoluteAppPath: aws.String(`C:\cad.exe`)}},
	}
	_, err := f.app.CreateImportedImage(t.Context(), in)
	f.refused(err, "DryRunOperationException")
	_, err = f.app.DescribeImages(t.Context(), &appstream.DescribeImagesInput{Names: []string{"cad"}})
	f.refused(err, "ResourceNotFoundException")
	in.DryRun = nil
	must[*appstream.CreateImportedImageOutput](f)(f.app.CreateImportedImage(t.Context(), in))
	var states []streamtypes.ImageState
	for range 3 {
		states = append(states, f.streamImage("cad").State)
		now.pass(time.Minute)
	}
	if want := []streamtypes.ImageState{"IMPORTING", "VALIDATING", "AVAILABLE"}; !slices.Equal(states, want) {
		t.Errorf("went through %v", states)
	}
	img := f.streamImage("cad")
	if img.ImageType != streamtypes.ImageTypeCustom || img.Platform != streamtypes.PlatformTypeWindowsServer2022 || *img.Applications[0].LaunchPath != `C:\cad.exe` ||
		img.LatestAppstreamAgentVersion != streamtypes.LatestAppstreamAgentVersionTrue || img.Visibility != streamtypes.VisibilityTypePrivate {
		t.Errorf("imported as %+v", img)
	}
	_, err = f.app.CreateImageBuilder(t.Context(), &appstream.CreateImageBuilderInput{Name: aws.String("b"), ImageName: aws.String("cad"), InstanceType: aws.String("stream.standard.medium")})
	f.refused(err, "InvalidParameterCombinationException", "CUSTOM")
}

func TestStreamImportRefusals(t *testing.T) {
	f, _ := slow(t, sandbox.Options{})
	good := f.windowsAMI("TPM-Windows_Server-2022*")
	legacy := f.windowsAMI("Windows_Server-2022-English-Full*")
	encrypted := f.windowsAMI("TPM-Windows_Server-2025*", func(in *ibapi.CreateImageRecipeInput) {
		in.Name = aws.String("encrypted")
		in.BlockDeviceMappings = []types.InstanceBlockDeviceMapping{{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsInstanceBlockDeviceSpecification{Encrypted: aws.Bool(true)}}}
	})
	two := f.windowsAMI("TPM-Windows_Server-2025*", func(in *ibapi.CreateImageRecipeInput) {
		in.Name = aws.String("two")
		in.BlockDeviceMappings = []types.InstanceBlockDeviceMapping{{DeviceName: aws.String("xvdb"), Ebs: &types.EbsInstanceBlockDeviceSpecification{VolumeSize: aws.Int32(600)}}}
	})
	foreign := *must[*ec2.DescribeImagesOutput](f)(f.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"amazon"}})).Images[0].ImageId
	for _, tt := range []struct {
		name, code, text string
		edit             func(*appstream.CreateImportedImageInput)
	}{
		{"legacy", "IncompatibleImageException", "boot mode must be uefi", func(in *appstream.CreateImportedImageInput) { in.SourceAmiId = &legacy }},
		{"encrypted", "IncompatibleImageException", "not be encrypted", func(in *appstream.CreateImportedImageInput) { in.SourceAmiId = &encrypted }},
		{"two volumes", "IncompatibleImageException", "one volume", func(in *appstream.CreateImportedImageInput) { in.SourceAmiId = &two }},
		{"foreign", "IncompatibleImageException", "belong to the account", func(in *appstream.CreateImportedImageInput) { in.SourceAmiId = &foreign }},
		{"absent", "ResourceNotFoundException", "does not exist", func(in *appstream.CreateImportedImageInput) { in.SourceAmiId = aws.String("ami-0123456789abcdef0") }},
		{"no role", "InvalidParameterCombinationException", "IamRoleArn", func(in *appstream.CreateImportedImageInput) { in.IamRoleArn = nil }},
		{"two sources", "InvalidParameterCombinationException", "Exactly one", func(in *appstream.CreateImportedImageInput) { in.WorkspaceImageId = aws.String("wsi-012345678") }},
		{"reserved", "InvalidParameterCombinationException", "must not begin with aws", func(in *appstream.CreateImportedImageInput) { in.Name = aws.String("AWS-cad") }},
		{"comma", "ValidationException", "Description", func(in *appstream.CreateImportedImageInput) { in.Description = aws.String("one, two") }},
		{"twice", "InvalidParameterCombinationException", "already that of", func(in *appstream.CreateImportedImageInput) {
			in.AppCatalogConfig = slices.Repeat([]streamtypes.ApplicationConfig{{Name: aws.String("cad"), AbsoluteAppPath: aws.String(`C:\x.exe`)}}, 2)
		}},
	} {
		in := &appstream.CreateImportedImageInput{Name: aws.String("cad"), SourceAmiId: &good, IamRoleArn: aws.String(importRole), DryRun: aws.Bool(true)}
		tt.edit(in)
		_, err := f.app.CreateImportedImage(t.Context(), in)
		t.Log(tt.name)
		f.refused(err, tt.code, tt.text)
	}
}

func TestStreamShare(t *testing.T) {
	const consumer = "210987654321"
	f, now := slow(t, sandbox.Options{Quotas: map[string]int{"appstream:image-share": 2}})
	f.imported(now, "cad", f.windowsAMI("TPM-Windows_Server-2022*"))
	give := func(account string, fleet bool) error {
		_, err := f.app.UpdateImagePermissions(t.Context(), &appstream.UpdateImagePermissionsInput{
			Name: aws.String("cad"), SharedAccountId: &account, ImagePermissions: &streamtypes.ImagePermissions{AllowFleet: &fleet, AllowImageBuilder: aws.Bool(true)},
		})
		return err
	}
	for _, account := range []string{consumer, "111111111111"} {
		if err := give(account, true); err != nil {
			t.Fatal(err)
		}
	}
	f.refused(give("222222222222", true), "LimitExceededException", "2")
	other := f.as(consumer, region)
	arn := "arn:aws:appstream:eu-west-1:123456789012:image/cad"
	_, err := other.DescribeImages(t.Context(), &appstream.DescribeImagesInput{Names: []string{"cad"}})
	f.refused(err, "ResourceNotFoundException", "The image cad for account 210987654321 does not exist.")
	seen := must[*appstream.DescribeImagesOutput](f)(other.DescribeImages(t.Context(), &appstream.DescribeImagesInput{Arns: []string{arn}})).Images[0]
	if seen.Visibility != streamtypes.VisibilityTypeShared || !*seen.ImagePermissions.AllowFleet || !*seen.ImagePermissions.AllowImageBuilder {
		t.Errorf("the consumer sees %+v", seen)
	}
	must[*appstream.CreateFleetOutput](f)(other.CreateFleet(t.Context(), &appstream.CreateFleetInput{
		Name: aws.String("cad"), ImageArn: &arn, InstanceType: aws.String("GeneralPurpose.t3.large"), ComputeCapacity: &streamtypes.ComputeCapacity{DesiredInstances: aws.Int32(3)},
	}))
	must[*appstream.StartFleetOutput](f)(other.StartFleet(t.Context(), &appstream.StartFleetInput{Name: aws.String("cad")}))
	now.pass(time.Minute)
	_, err = f.app.DeleteImage(t.Context(), &appstream.DeleteImageInput{Name: aws.String("cad")})
	f.refused(err, "OperationNotPermittedException", "shared")
	if err = give(consumer, false); err != nil {
		t.Fatal(err)
	}
	fleet := must[*appstream.DescribeFleetsOutput](f)(other.DescribeFleets(t.Context(), &appstream.DescribeFleetsInput{})).Fleets[0]
	if *fleet.ComputeCapacityStatus.Desired != 0 || fleet.State != streamtypes.FleetStateRunning {
		t.Errorf("after the revocation the fleet is %+v", fleet.ComputeCapacityStatus)
	}
	p := appstream.NewDescribeImagePermissionsPaginator(f.app, &appstream.DescribeImagePermissionsInput{Name: aws.String("cad"), MaxResults: aws.Int32(1)})
	var accounts []string
	for p.HasMorePages() {
		for _, s := range must[*appstream.DescribeImagePermissionsOutput](f)(p.NextPage(t.Context())).SharedImagePermissionsList {
			accounts = append(accounts, *s.SharedAccountId)
		}
	}
	if want := []string{"111111111111", consumer}; !slices.Equal(accounts, want) {
		t.Errorf("shared with %v", accounts)
	}
	for _, account := range accounts {
		must[*appstream.DeleteImagePermissionsOutput](f)(f.app.DeleteImagePermissions(t.Context(), &appstream.DeleteImagePermissionsInput{Name: aws.String("cad"), SharedAccountId: &account}))
	}
	must[*appstream.DeleteImageOutput](f)(f.app.DeleteImage(t.Context(), &appstream.DeleteImageInput{Name: aws.String("cad")}))
	now.pass(time.Minute)
	_, err = f.app.DescribeImages(t.Context(), &appstream.DescribeImagesInput{Arns: []string{arn}})
	f.refused(err, "ResourceNotFoundException")
}

func TestStreamCopyUpdateExport(t *testing.T) {
	f, now := slow(t, sandbox.Options{Dir: t.TempDir()})
	f.imported(now, "cad", f.windowsAMI("TPM-Windows_Server-2022*"))
	copyTo := func(name string) error {
		_, err := f.app.CopyImage(t.Context(), &appstream.CopyImageInput{SourceImageName: aws.String("cad"), DestinationImageName: &name, DestinationRegion: aws.String("eu-central-1")})
		return err
	}
	for _, name := range []string{"one", "two"} {
		if err := copyTo(name); err != nil {
			t.Fatal(err)
		}
	}
	f.refused(copyTo("three"), "LimitExceededException", "2")
	f.refused(copyTo("two"), "ResourceAlreadyExistsException")
	there := f.as(account, "eu-central-1")
	tags := must[*appstream.ListTagsForResourceOutput](f)(there.ListTagsForResource(t.Context(), &appstream.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:appstream:eu-central-1:123456789012:image/one")})).Tags
	img := must[*appstream.DescribeImagesOutput](f)(there.DescribeImages(t.Context(), &appstream.DescribeImagesInput{Names: []string{"one"}})).Images[0]
	if len(tags) != 0 || img.State != streamtypes.ImageStateCopying {
		t.Errorf("the copy is %s with tags %v", img.State, tags)
	}
	// An imported image has the newest agent; one of a builder on an old base image has not.
	check := must[*appstream.CreateUpdatedImageOutput](f)(f.app.CreateUpdatedImage(t.Context(), &appstream.CreateUpdatedImageInput{ExistingImageName: aws.String("cad"), NewImageName: aws.String("cad2"), DryRun: aws.Bool(true)}))
	if *check.CanUpdateImage {
		t.Error("an image of today can be updated")
	}
	f.builder("b")
	now.pass(time.Minute)
	b := f.describeBuilder("b")
	for _, dry := range []bool{true, false} {
		if refusal := f.server.CreateImage(*b.Arn, "built", dry); refusal != "" {
			t.Fatal(refusal)
		}
	}
	if b = f.describeBuilder("b"); b.State != streamtypes.ImageBuilderStateSnapshotting {
		t.Errorf("the builder is %s", b.State)
	}
	if refusal := f.server.CreateImage(*b.Arn, "other", false); refusal == "" {
		t.Error("a builder in SNAPSHOTTING creates images")
	}
	now.pass(time.Minute)
	built := f.streamImage("built")
	if built.State != streamtypes.ImageStateAvailable || *built.ImageBuilderName != "b" || *built.Applications[0].Name != "cad" || f.describeBuilder("b").State != streamtypes.ImageBuilderStateStopped {
		t.Errorf("built as %+v", built)
	}
	updated := must[*appstream.CreateUpdatedImageOutput](f)(f.app.CreateUpdatedImage(t.Context(), &appstream.CreateUpdatedImageInput{ExistingImageName: aws.String("built"), NewImageName: aws.String("newer")}))
	if updated.Image.State != streamtypes.ImageStateCreating || !*updated.CanUpdateImage {
		t.Errorf("updating as %+v", updated.Image)
	}
	own := must[*appstream.DescribeImageBuildersOutput](f)(f.app.DescribeImageBuilders(t.Context(), &appstream.DescribeImageBuildersInput{})).ImageBuilders[1]
	if suffix, ok := strings.CutPrefix(*own.Name, "newer_"); !ok || len(suffix) != 10 || own.State != streamtypes.ImageBuilderStateUpdating || own.VpcConfig != nil {
		t.Errorf("the service's builder is %+v", own)
	}
	now.pass(2 * time.Minute)
	if left := must[*appstream.DescribeImageBuildersOutput](f)(f.app.DescribeImageBuilders(t.Context(), &appstream.DescribeImageBuildersInput{})).ImageBuilders; len(left) != 1 {
		t.Errorf("%d builders are left", len(left))
	}
	task := must[*appstream.CreateExportImageTaskOutput](f)(f.app.CreateExportImageTask(t.Context(), &appstream.CreateExportImageTaskInput{
		ImageName: aws.String("newer"), AmiName: aws.String("cad-ami"), IamRoleArn: aws.String(importRole), TagSpecifications: map[string]string{"a": "b"},
	})).ExportImageTask
	now.pass(time.Minute)
	done := must[*appstream.GetExportImageTaskOutput](f)(f.app.GetExportImageTask(t.Context(), &appstream.GetExportImageTaskInput{TaskId: task.TaskId})).ExportImageTask
	ami := must[*ec2.DescribeImagesOutput](f)(f.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{*done.AmiId}})).Images[0]
	if task.State != streamtypes.ExportImageTaskStateExporting || done.State != streamtypes.ExportImageTaskStateCompleted || *ami.Name != "cad-ami" || *ami.Tags[0].Value != "b" {
		t.Errorf("%+v, %+v", done, ami)
	}
}

// TestUpdateQualifies: the new image of a managed update is AVAILABLE when the service's builder has qualified it.
func TestUpdateQualifies(t *testing.T) {
	now := newClock()
	f := start(t, sandbox.Options{Now: now.time, AppStream: sandbox.AppStreamOptions{StateTimes: map[string]time.Duration{
		"": time.Second, "image-builder:UPDATING": 10 * time.Minute, "image-builder:PENDING_QUALIFICATION": 20 * time.Minute,
	}}})
	f.builder("b")
	now.pass(time.Minute)
	if refusal := f.server.CreateImage(*f.describeBuilder("b").Arn, "built", false); refusal != "" {
		t.Fatal(refusal)
	}
	now.pass(time.Minute)
	must[*appstream.CreateUpdatedImageOutput](f)(f.app.CreateUpdatedImage(t.Context(), &appstream.CreateUpdatedImageInput{ExistingImageName: aws.String("built"), NewImageName: aws.String("newer")}))
	for _, tt := range []struct {
		after time.Duration
		image streamtypes.ImageState
		own   string // the state of the service's builder, "" for none
	}{
		{9 * time.Minute, streamtypes.ImageStateCreating, "UPDATING"},
		{2 * time.Minute, streamtypes.ImageStateCreating, "PENDING_QUALIFICATION"},
		{18 * time.Minute, streamtypes.ImageStateCreating, "PENDING_QUALIFICATION"},
		{2 * time.Minute, streamtypes.ImageStateAvailable, ""},
	} {
		now.pass(tt.after)
		own := ""
		for _, b := range must[*appstream.DescribeImageBuildersOutput](f)(f.app.DescribeImageBuilders(t.Context(), &appstream.DescribeImageBuildersInput{})).ImageBuilders {
			if strings.HasPrefix(*b.Name, "newer_") {
				own = string(b.State)
			}
		}
		if img := f.streamImage("newer"); img.State != tt.image || own != tt.own {
			t.Errorf("the image is %s, its builder %q; want %s, %q", img.State, own, tt.image, tt.own)
		}
	}
	_, err := f.app.CopyImage(t.Context(), &appstream.CopyImageInput{SourceImageName: aws.String("built"), DestinationImageName: aws.String("far"), DestinationRegion: aws.String("us-gov-west-1")})
	f.refused(err, "ResourceNotAvailableException", "another partition")
}
