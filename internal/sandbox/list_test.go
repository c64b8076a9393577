package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ibapi "github.com/aws/aws-sdk-go-v2/service/imagebuilder"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder/types"

	"github.com/org/imagebuild-action/internal/sandbox"
)

func TestPages(t *testing.T) {
	f := start(t, sandbox.Options{})
	for i := range 60 {
		f.infrastructure(fmt.Sprintf("web-%02d", i))
	}
	var names []string
	var sizes []int
	pages := ibapi.NewListInfrastructureConfigurationsPaginator(f.ib, &ibapi.ListInfrastructureConfigurationsInput{})
	for pages.HasMorePages() {
		p, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(p.InfrastructureConfigurationSummaryList))
		for _, s := range p.InfrastructureConfigurationSummaryList {
			names = append(names, *s.Name)
		}
	}
	if !slices.Equal(sizes, []int{25, 25, 10}) || !slices.IsSorted(names) || len(slices.Compact(names)) != 60 {
		t.Errorf("pages of %v: %v", sizes, names)
	}
	one := must[*ibapi.ListInfrastructureConfigurationsOutput](f)(f.ib.ListInfrastructureConfigurations(t.Context(),
		&ibapi.ListInfrastructureConfigurationsInput{MaxResults: aws.Int32(1)}))
	for _, tok := range []string{"nonsense", *one.NextToken} {
		_, err := f.ib.ListDistributionConfigurations(t.Context(), &ibapi.ListDistributionConfigurationsInput{NextToken: &tok})
		f.refused(err, "InvalidPaginationTokenException")
	}
}

func TestFilters(t *testing.T) {
	f := start(t, sandbox.Options{})
	a := f.component("alpha", "true")
	f.component("beta", "true")
	recipe := f.recipe("alpha", parent, a)
	infra := f.infrastructure("alpha")
	for _, name := range []string{"one", "two"} {
		must[*ibapi.CreateImagePipelineOutput](f)(f.ib.CreateImagePipeline(t.Context(), &ibapi.CreateImagePipelineInput{
			Name: &name, ImageRecipeArn: &recipe, InfrastructureConfigurationArn: &infra, Status: types.PipelineStatusDisabled,
		}))
	}
	by := func(name string, values ...string) []types.Filter {
		return []types.Filter{{Name: &name, Values: values}}
	}
	for _, tt := range []struct {
		filters []types.Filter
		want    int
	}{
		{nil, 2},
		{by("name", "alpha"), 1},
		{by("name", "Alpha"), 0},
		{by("name", "alpha", "beta"), 2},
		{append(by("name", "alpha"), by("platform", "Windows")...), 0},
		{by("version", "1.0.0"), 2},
		{by("type", "BUILD"), 2},
	} {
		got := must[*ibapi.ListComponentsOutput](f)(f.ib.ListComponents(t.Context(), &ibapi.ListComponentsInput{Filters: tt.filters}))
		if len(got.ComponentVersionList) != tt.want {
			t.Errorf("%v finds %d, want %d", tt.filters, len(got.ComponentVersionList), tt.want)
		}
	}
	_, err := f.ib.ListComponents(t.Context(), &ibapi.ListComponentsInput{Filters: by("colour", "red")})
	f.refused(err, "InvalidParameterValueException", "colour")
	pipes := must[*ibapi.ListImagePipelinesOutput](f)(f.ib.ListImagePipelines(t.Context(), &ibapi.ListImagePipelinesInput{Filters: by("imageRecipeArn", recipe)}))
	if len(pipes.ImagePipelineList) != 2 || pipes.ImagePipelineList[0].Status != types.PipelineStatusDisabled {
		t.Errorf("pipelines of the recipe: %+v", pipes.ImagePipelineList)
	}
}

// TestVersionsAndBuilds: ListComponents shows one entry for each version, by name one for each
// name, and ListComponentBuildVersions every build, with an ARN or without.
func TestVersionsAndBuilds(t *testing.T) {
	f := start(t, sandbox.Options{})
	for _, c := range []struct{ version, command string }{{"1.0.0", "a"}, {"1.0.0", "b"}, {"2.0.0", "c"}} {
		must[*ibapi.CreateComponentOutput](f)(f.ib.CreateComponent(t.Context(), &ibapi.CreateComponentInput{
			Name: aws.String("web"), SemanticVersion: &c.version, Platform: types.PlatformLinux, Data: document(c.command), Tags: map[string]string{"c": c.command},
		}))
	}
	versions := must[*ibapi.ListComponentsOutput](f)(f.ib.ListComponents(t.Context(), &ibapi.ListComponentsInput{})).ComponentVersionList
	if len(versions) != 2 || !strings.HasSuffix(*versions[0].Arn, "component/web/1.0.0") || *versions[1].Version != "2.0.0" {
		t.Errorf("versions: %+v", versions)
	}
	byName := must[*ibapi.ListComponentsOutput](f)(f.ib.ListComponents(t.Context(), &ibapi.ListComponentsInput{ByName: true})).ComponentVersionList
	if len(byName) != 1 || *byName[0].Version != "2.0.0" {
		t.Errorf("by name: %+v", byName)
	}
	all := must[*ibapi.ListComponentBuildVersionsOutput](f)(f.ib.ListComponentBuildVersions(t.Context(), &ibapi.ListComponentBuildVersionsInput{})).ComponentSummaryList
	if len(all) != 3 || all[1].Tags["c"] != "b" {
		t.Errorf("builds: %+v", all)
	}
	arn := arnBase + "component/web/1.0.0"
	some := must[*ibapi.ListComponentBuildVersionsOutput](f)(f.ib.ListComponentBuildVersions(t.Context(),
		&ibapi.ListComponentBuildVersionsInput{ComponentVersionArn: &arn})).ComponentSummaryList
	if len(some) != 2 || !strings.HasSuffix(*some[1].Arn, "/1.0.0/2") {
		t.Errorf("builds of 1.0.0: %+v", some)
	}
}

func TestOwners(t *testing.T) {
	f := start(t, sandbox.Options{})
	f.component("web", "true")
	for owner, want := range map[types.Ownership]bool{
		types.OwnershipAmazon: true, types.OwnershipSelf: false, types.OwnershipShared: false, types.OwnershipThirdparty: false, types.OwnershipAwsMarketplace: false,
	} {
		got := must[*ibapi.ListImagesOutput](f)(f.ib.ListImages(t.Context(), &ibapi.ListImagesInput{Owner: owner, MaxResults: aws.Int32(25)}))
		if (len(got.ImageVersionList) > 0) != want {
			t.Errorf("images of %s: %d", owner, len(got.ImageVersionList))
		}
	}
	img := must[*ibapi.GetImageOutput](f)(f.ib.GetImage(t.Context(), &ibapi.GetImageInput{ImageBuildVersionArn: aws.String(managed + "image/windows-server-2022-english-full-base-x86/x.x.x")}))
	if img.Image.Platform != types.PlatformWindows || len(img.Image.OutputResources.Amis) != 1 || *img.Image.Version != "2026.9.9/1" {
		t.Errorf("managed image: %+v", img.Image)
	}
	if *img.LatestVersionReferences.LatestVersionArn != managed+"image/windows-server-2022-english-full-base-x86/x.x.x" || img.LatestVersionReferences.LatestMajorVersionArn != nil {
		t.Errorf("references of a managed image: %+v", img.LatestVersionReferences)
	}
}

func TestListDelay(t *testing.T) {
	now := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	f := start(t, sandbox.Options{ListDelay: 2 * time.Minute, Now: func() time.Time { return now }})
	arn := f.component("web", "true")
	count := func() int {
		return len(must[*ibapi.ListComponentsOutput](f)(f.ib.ListComponents(t.Context(), &ibapi.ListComponentsInput{})).ComponentVersionList)
	}
	if n := count(); n != 0 {
		t.Errorf("%d listed at once", n)
	}
	must[*ibapi.GetComponentOutput](f)(f.ib.GetComponent(t.Context(), &ibapi.GetComponentInput{ComponentBuildVersionArn: &arn}))
	now = now.Add(2 * time.Minute)
	if n := count(); n != 1 {
		t.Errorf("%d listed after two minutes", n)
	}
}

// TestRegions: the region of a request's signature is where its resources are.
func TestRegions(t *testing.T) {
	f := start(t, sandbox.Options{})
	f.component("web", "true")
	f.connect(config(f.url, "cn-north-1"))
	arn := f.component("web", "true")
	if want := "arn:aws-cn:imagebuilder:cn-north-1:" + account + ":component/web/1.0.0/1"; arn != want {
		t.Errorf("got %s, want %s", arn, want)
	}
}
