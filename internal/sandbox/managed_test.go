package sandbox_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ibapi "github.com/aws/aws-sdk-go-v2/service/imagebuilder"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder/types"

	"github.com/org/imagebuild-action/internal/awsmodel/known"
	"github.com/org/imagebuild-action/internal/sandbox"
)

// managedVersions lists the components that AWS owns, page by page.
func (f *fixture) managedVersions() []types.ComponentVersion {
	var all []types.ComponentVersion
	pages := ibapi.NewListComponentsPaginator(f.ib, &ibapi.ListComponentsInput{Owner: types.OwnershipAmazon})
	for pages.HasMorePages() {
		all = append(all, must[*ibapi.ListComponentsOutput](f)(pages.NextPage(f.Context())).ComponentVersionList...)
	}
	return all
}

// TestManagedComponents: every one is a valid document that a recipe may name, and the list that checks
// configurations knows the same names, platforms and parameters.
func TestManagedComponents(t *testing.T) {
	f := start(t, sandbox.Options{})
	var names []string
	for _, c := range f.managedVersions() {
		names = append(names, *c.Name)
		build := must[*ibapi.GetComponentOutput](f)(f.ib.GetComponent(t.Context(), &ibapi.GetComponentInput{ComponentBuildVersionArn: c.Arn})).Component
		_, err := f.ib.CreateComponent(t.Context(), &ibapi.CreateComponentInput{
			Name: aws.String("copy-" + *c.Name), SemanticVersion: aws.String("1.0.0"), Platform: c.Platform, Data: build.Data,
		})
		if err != nil {
			t.Errorf("%s: %v", *c.Name, err)
		}
		if build.Description == nil || build.Type == "" {
			t.Errorf("%s has no description or type", *c.Name)
		}
		want, ok := known.ComponentNamed(*c.Name)
		if !ok {
			t.Errorf("components.json lacks %s", *c.Name)
			continue
		}
		if want.Platform != string(c.Platform) {
			t.Errorf("%s is for %s, and components.json says %s", *c.Name, c.Platform, want.Platform)
		}
		sameParameters(t, want, build.Parameters)
	}
	slices.Sort(names)
	var listed []string
	for _, c := range known.Components() {
		listed = append(listed, c.Name)
	}
	if !slices.Equal(names, listed) {
		t.Errorf("the sandbox has %v,\ncomponents.json has %v", names, listed)
	}
}

func sameParameters(t *testing.T, want known.Component, got []types.ComponentParameterDetail) {
	t.Helper()
	if len(want.Parameters) != len(got) {
		t.Errorf("%s has %d parameters, and components.json has %d", want.Name, len(got), len(want.Parameters))
		return
	}
	for i, p := range want.Parameters {
		required := got[i].DefaultValue == nil
		if p.Name != *got[i].Name || p.Required != required || !required && p.Default != got[i].DefaultValue[0] {
			t.Errorf("%s: parameter %+v differs from the document's %+v", want.Name, p, got[i])
		}
	}
}

// managedRecipe is a recipe of managed components with parameters, and of a check of the result.
func (f *fixture) managedRecipe(name, check string, parameters map[string]string) string {
	f.Helper()
	config := types.ComponentConfiguration{ComponentArn: aws.String(managed + "component/" + name + "/x.x.x")}
	for key, value := range parameters {
		config.Parameters = append(config.Parameters, types.ComponentParameter{Name: aws.String(key), Value: []string{value}})
	}
	components := []types.ComponentConfiguration{config}
	if check != "" {
		components = append(components, types.ComponentConfiguration{ComponentArn: aws.String(f.component("check-"+name, check))})
	}
	return *must[*ibapi.CreateImageRecipeOutput](f)(f.ib.CreateImageRecipe(f.Context(), &ibapi.CreateImageRecipeInput{
		Name: &name, SemanticVersion: aws.String("1.0.0"), ParentImage: aws.String(parent), Components: components,
	})).ImageRecipeArn
}

// TestHardeningActs: the hardening components apply what their log names, as far as the level says.
func TestHardeningActs(t *testing.T) {
	f := start(t, overlay(t))
	const low = `grep -q '^UMASK 077' /etc/login.defs && test -e /etc/profile.d/stig-timeout.sh`
	for _, c := range []struct {
		name, check string
		parameters  map[string]string
		says        []string
		not         string
	}{
		{"stig-build-linux-low", low + ` && test ! -e /etc/sysctl.d/60-stig.conf`, nil, []string{"severity low"}, "severity medium"},
		{
			"stig-build-linux", low + ` && test -e /etc/sysctl.d/60-stig.conf && test ! -e /etc/systemd/system/ctrl-alt-del.target`,
			map[string]string{"Level": "Medium"},
			[]string{"severity low", "severity medium"},
			"Subset of the sandbox, severity high",
		},
		{
			"stig-build-linux-high", low + ` && test -L /etc/systemd/system/ctrl-alt-del.target && grep -q 'U.S. Government' /etc/issue`,
			map[string]string{"SetDoDConsentBanner": "Yes"},
			[]string{"severity low", "severity medium", "severity high"},
			"severity none",
		},
	} {
		img := f.wait(f.image(f.managedRecipe(c.name, c.check, c.parameters), f.infrastructure(c.name)))
		log := strings.Join(f.log("/aws/imagebuilder/"+c.name), "\n")
		if img.State.Status != types.ImageStatusAvailable {
			t.Errorf("%s ended %s: %s\n%s", c.name, img.State.Status, aws.ToString(img.State.Reason), log)
			continue
		}
		for _, want := range append(c.says, "the whole benchmark is applied by AWS alone") {
			if !strings.Contains(log, want) {
				t.Errorf("%s: the log lacks %q", c.name, want)
			}
		}
		if strings.Contains(log, c.not) {
			t.Errorf("%s: the log has %q", c.name, c.not)
		}
	}
}

// TestUnsupportedComponents: a managed component that can't run in the sandbox fails with the reason, and isn't
// counted as done.
func TestUnsupportedComponents(t *testing.T) {
	f := start(t, overlay(t))
	for name, reason := range map[string]string{
		"inspector-test-linux":          "Amazon Inspector Classic",
		"scap-compliance-checker-linux": "AWS alone delivers",
	} {
		img := f.wait(f.image(f.managedRecipe(name, "", nil), f.infrastructure(name)))
		fc := img.State.FailureContext
		if img.State.Status != types.ImageStatusFailed || fc == nil || fc.ComponentFailure == nil || !strings.Contains(aws.ToString(fc.ComponentFailure.ErrorMessage), reason) {
			t.Errorf("%s ended %s: %+v", name, img.State.Status, fc)
		}
		if log := strings.Join(f.log("/aws/imagebuilder/"+name), "\n"); !strings.Contains(log, reason) {
			t.Errorf("%s: the log lacks %q:\n%s", name, reason, log)
		}
	}
}
