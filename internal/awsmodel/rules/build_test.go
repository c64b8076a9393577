package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/awsmodel/rules"
)

func TestBuilds(t *testing.T) {
	const (
		ami    = "distributions[0].amiDistributionConfiguration.launchPermission.userGroups[0]"
		param  = "distributions[0].ssmParameterConfigurations[0].parameterName"
		public = `{"distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{"launchPermission":{"userGroups":["all"]}}}]}`
		shared = `{"distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{"launchPermission":{"userIds":["123456789012"]}}}]}`
		within = `{"distributions":[{"region":"eu-west-1","ssmParameterConfigurations":[{"parameterName":"/imagebuilder/web"}]}]}`
		beside = `{"distributions":[{"region":"eu-west-1","ssmParameterConfigurations":[{"parameterName":"/web"}]}]}`
		copies = `{"distributions":[{"region":"eu-west-1","amiDistributionConfiguration":{"targetAccountIds":["123456789012"]}}]}`
	)
	for _, c := range []struct {
		region, image, recipe, distribution string
		want                                []string
	}{
		{"", `{}`, `{"amiWatermarks":["internal"]}`, public, []string{ami}},
		{"", `{}`, `{"amiWatermarks":["internal"]}`, shared, nil},
		{"", `{}`, `{}`, public, nil},
		{"", `{}`, `{}`, beside, []string{param}},
		{"", `{}`, `{}`, within, nil},
		{"", `{"executionRole":"?"}`, `{}`, beside, nil},
		{"", `null`, `null`, beside, nil},
		{"eu-central-1", `{}`, `{}`, copies, []string{"distributions"}},
		{"eu-central-1", `{}`, `{}`, shared, nil},
		{"eu-west-1", `{}`, `{}`, copies, nil},
		{"", `{}`, `{}`, copies, nil},
		{"eu-west-1", `{}`, `{}`, `{"distributions":"?"}`, nil},
		{"eu-west-1", `null`, `null`, `null`, nil},
	} {
		var paths []string
		found := rules.CheckBuild(&rules.Build{
			Place: rules.Place{Region: c.region}, Image: nullable(t, c.image), Recipe: nullable(t, c.recipe), Distribution: nullable(t, c.distribution),
		})
		for _, f := range found {
			paths = append(paths, f.Path)
			if !strings.HasSuffix(f.Message, ".") || f.Advice == "" || f.Code == "" {
				t.Errorf("half a finding: %+v", f)
			}
		}
		if got := fmt.Sprintf("%q", paths); got != fmt.Sprintf("%q", c.want) {
			t.Errorf("%+v: found at %s", c, got)
		}
	}
}

func nullable(t *testing.T, text string) map[string]any {
	t.Helper()
	if text == "null" {
		return nil
	}
	return input(t, text)
}
