package sandbox_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appstream"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/appstream/types"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// A clock that a test moves on.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

const base = "AppStream-WinServer2022-02-12-2026"

// builder creates an image builder on a public image, in a subnet.
func (f *fixture) builder(name string, edit ...func(*appstream.CreateImageBuilderInput)) *streamtypes.ImageBuilder {
	f.Helper()
	in := &appstream.CreateImageBuilderInput{
		Name: &name, InstanceType: aws.String("stream.standard.medium"), ImageName: aws.String(base),
		VpcConfig: &streamtypes.VpcConfig{SubnetIds: []string{"subnet-1"}},
	}
	for _, e := range edit {
		e(in)
	}
	return must[*appstream.CreateImageBuilderOutput](f)(f.app.CreateImageBuilder(f.Context(), in)).ImageBuilder
}

func (f *fixture) describeBuilder(name string) streamtypes.ImageBuilder {
	f.Helper()
	return must[*appstream.DescribeImageBuildersOutput](f)(f.app.DescribeImageBuilders(f.Context(), &appstream.DescribeImageBuildersInput{Names: []string{name}})).ImageBuilders[0]
}

func TestStreamPublicImages(t *testing.T) {
	f := start(t, sandbox.Options{})
	p := appstream.NewDescribeImagesPaginator(f.app, &appstream.DescribeImagesInput{Type: streamtypes.VisibilityTypePublic})
	var images []streamtypes.Image
	pages := 0
	for p.HasMorePages() {
		out := must[*appstream.DescribeImagesOutput](f)(p.NextPage(t.Context()))
		images = append(images, out.Images...)
		pages++
	}
	if pages != 2 || len(images) != 32 {
		t.Errorf("%d images on %d pages", len(images), pages)
	}
	var names []string
	byDate := map[string]time.Time{}
	for _, img := range images {
		if !strings.Contains(*img.Arn, "::image/") || img.Visibility != streamtypes.VisibilityTypePublic {
			t.Errorf("%s is %s, %s", *img.Name, *img.Arn, img.Visibility)
		}
		if strings.HasPrefix(*img.Name, "AppStream-WinServer2022-") {
			names = append(names, *img.Name)
			byDate[*img.Name] = *img.PublicBaseImageReleasedDate
		}
	}
	last := slices.Max(names)
	for _, n := range names {
		if byDate[n].After(byDate[last]) {
			return
		}
	}
	t.Errorf("the last name, %s, is the newest image", last)
}

func TestStreamDescribeImagesRules(t *testing.T) {
	f := start(t, sandbox.Options{})
	for _, tt := range []struct {
		in   appstream.DescribeImagesInput
		code string
	}{
		{appstream.DescribeImagesInput{Names: []string{base}, Type: streamtypes.VisibilityTypePublic}, "InvalidParameterCombinationException"},
		{appstream.DescribeImagesInput{Names: []string{"none"}}, "ResourceNotFoundException"},
		{appstream.DescribeImagesInput{Arns: []string{"arn:aws:appstream:eu-west-1::image/none"}}, "ResourceNotFoundException"},
		{appstream.DescribeImagesInput{MaxResults: aws.Int32(26)}, "ValidationException"},
		{appstream.DescribeImagesInput{NextToken: aws.String("nonsense")}, "ValidationException"},
	} {
		_, err := f.app.DescribeImages(t.Context(), &tt.in)
		f.refused(err, tt.code)
	}
}

func TestStreamBuilderLife(t *testing.T) {
	now := newClock()
	f := start(t, sandbox.Options{Now: now.time, AppStream: sandbox.AppStreamOptions{StateTimes: map[string]time.Duration{"": time.Minute}}})
	b := f.builder("web", func(in *appstream.CreateImageBuilderInput) { in.AppstreamAgentVersion = aws.String("LATEST") })
	if b.State != streamtypes.ImageBuilderStatePending || *b.Arn != "arn:aws:appstream:eu-west-1:123456789012:image-builder/web" || b.CreatedTime.Unix() != now.time().Unix() {
		t.Errorf("created as %+v", b)
	}
	_, err := f.app.DeleteImageBuilder(t.Context(), &appstream.DeleteImageBuilderInput{Name: aws.String("web")})
	f.refused(err, "OperationNotPermittedException", "is PENDING")
	var states []streamtypes.ImageBuilderState
	see := func(n int) {
		t.Helper()
		for range n {
			states = append(states, f.describeBuilder("web").State)
			now.pass(time.Minute)
		}
	}
	see(3)
	b2 := f.describeBuilder("web")
	if ip := aws.ToString(b2.NetworkAccessConfiguration.EniPrivateIpAddress); !strings.HasPrefix(ip, "127.") {
		t.Errorf("address %q", ip)
	}
	_, err = f.app.StartImageBuilder(t.Context(), &appstream.StartImageBuilderInput{Name: aws.String("web")})
	f.refused(err, "ResourceNotAvailableException", "RUNNING")
	url := must[*appstream.CreateImageBuilderStreamingURLOutput](f)(f.app.CreateImageBuilderStreamingURL(t.Context(), &appstream.CreateImageBuilderStreamingURLInput{Name: aws.String("web"), Validity: aws.Int64(60)}))
	if url.Expires.Sub(now.time()) != time.Minute {
		t.Errorf("the URL expires %s", url.Expires)
	}
	must[*appstream.StopImageBuilderOutput](f)(f.app.StopImageBuilder(t.Context(), &appstream.StopImageBuilderInput{Name: aws.String("web")}))
	see(2)
	must[*appstream.DeleteImageBuilderOutput](f)(f.app.DeleteImageBuilder(t.Context(), &appstream.DeleteImageBuilderInput{Name: aws.String("web")}))
	see(1)
	want := []streamtypes.ImageBuilderState{"PENDING", "UPDATING_AGENT", "RUNNING", "STOPPING", "STOPPED", "DELETING"}
	if !slices.Equal(states, want) {
		t.Errorf("went through %v, want %v", states, want)
	}
	_, err = f.app.DescribeImageBuilders(t.Context(), &appstream.DescribeImageBuildersInput{Names: []string{"web"}})
	f.refused(err, "ResourceNotFoundException", "image builder web")
}

func TestStreamBuilderRefusals(t *testing.T) {
	f := start(t, sandbox.Options{Quotas: map[string]int{"appstream:image-builder": 1}})
	for _, tt := range []struct {
		name, code, text string
		edit             func(*appstream.CreateImageBuilderInput)
	}{
		{"no image", "InvalidParameterCombinationException", "Exactly one", func(in *appstream.CreateImageBuilderInput) { in.ImageName = nil }},
		{"two images", "InvalidParameterCombinationException", "Exactly one", func(in *appstream.CreateImageBuilderInput) {
			in.ImageArn = aws.String("arn:aws:appstream:eu-west-1::image/" + base)
		}},
		{"unknown image", "ResourceNotFoundException", "The image none for account 123456789012 does not exist.", func(in *appstream.CreateImageBuilderInput) { in.ImageName = aws.String("none") }},
		{"deprecated", "ResourceNotAvailableException", "The image AppStream-WinServer2012R2-07-19-2021 is DEPRECATED. The image must be in an AVAILABLE state for this action to succeed.", func(in *appstream.CreateImageBuilderInput) {
			in.ImageName = aws.String("AppStream-WinServer2012R2-07-19-2021")
		}},
		{"family", "InvalidParameterCombinationException", "image instance family", func(in *appstream.CreateImageBuilderInput) { in.InstanceType = aws.String("stream.graphics.g5.xlarge") }},
		{"retired", "InvalidParameterCombinationException", "retired", func(in *appstream.CreateImageBuilderInput) {
			in.InstanceType = aws.String("stream.graphics-design.xlarge")
		}},
		{"native on new types", "InvalidParameterCombinationException", "not supported", func(in *appstream.CreateImageBuilderInput) { in.InstanceType = aws.String("GeneralPurpose.t3.large") }},
		{"graphics quota", "LimitExceededException", ": 0", func(in *appstream.CreateImageBuilderInput) {
			in.ImageName, in.InstanceType = aws.String("AppStream-Graphics-G5-WinServer2022-02-12-2026"), aws.String("stream.graphics.g5.xlarge")
		}},
		{"subnets", "InvalidParameterCombinationException", "exactly one subnet", func(in *appstream.CreateImageBuilderInput) { in.VpcConfig.SubnetIds = []string{"a", "b"} }},
		{"groups", "ValidationException", "SecurityGroupIds", func(in *appstream.CreateImageBuilderInput) {
			in.VpcConfig.SecurityGroupIds = strings.Split("abcdef", "")
		}},
		{"directory", "ResourceNotFoundException", "corp.example", func(in *appstream.CreateImageBuilderInput) {
			in.DomainJoinInfo = &streamtypes.DomainJoinInfo{DirectoryName: aws.String("corp.example")}
		}},
		{"role", "InvalidRoleException", "AppStream 2.0 encountered an error because your IAM role 'arn:aws:iam::210987654321:role/x' is invalid", func(in *appstream.CreateImageBuilderInput) {
			in.IamRoleArn = aws.String("arn:aws:iam::210987654321:role/x")
		}},
		{"long name", "InvalidParameterCombinationException", "Name", func(in *appstream.CreateImageBuilderInput) { in.Name = aws.String(strings.Repeat("x", 101)) }},
		{"volume", "InvalidParameterCombinationException", "200 to 500", func(in *appstream.CreateImageBuilderInput) {
			in.RootVolumeConfig = &streamtypes.VolumeConfig{VolumeSizeInGb: aws.Int32(100)}
		}},
		{"mixed software", "InvalidParameterCombinationException", "SoftwaresToInstall", func(in *appstream.CreateImageBuilderInput) {
			in.SoftwaresToInstall = []string{"Microsoft_Office_2021_LTSC_Standard_64Bit", "Microsoft_Visio_2024_LTSC_Standard_64Bit"}
		}},
	} {
		in := &appstream.CreateImageBuilderInput{
			Name: aws.String("web"), InstanceType: aws.String("stream.standard.medium"), ImageName: aws.String(base),
			VpcConfig: &streamtypes.VpcConfig{SubnetIds: []string{"subnet-1"}},
		}
		tt.edit(in)
		_, err := f.app.CreateImageBuilder(t.Context(), in)
		t.Log(tt.name)
		f.refused(err, tt.code, tt.text)
	}
	f.builder("web")
	in := &appstream.CreateImageBuilderInput{Name: aws.String("web"), InstanceType: aws.String("stream.standard.medium"), ImageName: aws.String(base)}
	_, err := f.app.CreateImageBuilder(t.Context(), in)
	f.refused(err, "ResourceAlreadyExistsException")
	in.Name = aws.String("other")
	_, err = f.app.CreateImageBuilder(t.Context(), in)
	f.refused(err, "LimitExceededException")
	if !strings.HasSuffix(err.Error(), "1") {
		t.Errorf("the message does not end in the limit: %v", err)
	}
}

// TestStreamStrictDelete: as documented, only a stopped builder can be deleted.
func TestStreamStrictDelete(t *testing.T) {
	f, now := slow(t, sandbox.Options{AppStream: sandbox.AppStreamOptions{StrictDelete: true, StateTimes: map[string]time.Duration{"": time.Minute}}})
	f.builder("b")
	now.pass(time.Minute)
	_, err := f.app.DeleteImageBuilder(t.Context(), &appstream.DeleteImageBuilderInput{Name: aws.String("b")})
	f.refused(err, "OperationNotPermittedException", "is RUNNING", "STOPPED or FAILED")
	must[*appstream.StopImageBuilderOutput](f)(f.app.StopImageBuilder(t.Context(), &appstream.StopImageBuilderInput{Name: aws.String("b")}))
	now.pass(time.Minute)
	must[*appstream.DeleteImageBuilderOutput](f)(f.app.DeleteImageBuilder(t.Context(), &appstream.DeleteImageBuilderInput{Name: aws.String("b")}))
}

// TestStreamInstanceQuotas: builders of one type are bounded while they are not stopped.
func TestStreamInstanceQuotas(t *testing.T) {
	f, now := slow(t, sandbox.Options{})
	large := func(in *appstream.CreateImageBuilderInput) { in.InstanceType = aws.String("stream.compute.xlarge") }
	for _, name := range []string{"a", "b", "c"} {
		f.builder(name, large)
	}
	in := &appstream.CreateImageBuilderInput{Name: aws.String("d"), ImageName: aws.String(base)}
	large(in)
	_, err := f.app.CreateImageBuilder(t.Context(), in)
	f.refused(err, "LimitExceededException", "stream.compute.xlarge: 3")
	now.pass(time.Minute)
	must[*appstream.StopImageBuilderOutput](f)(f.app.StopImageBuilder(t.Context(), &appstream.StopImageBuilderInput{Name: aws.String("a")}))
	now.pass(time.Minute)
	f.builder("d", large)
}
