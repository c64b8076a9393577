package known_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/known"
)

func TestRegions(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "us-iso-east-1": "aws-iso",
		"us-isob-east-1": "aws-iso-b", "eusc-de-east-1": "aws-eusc", "eu-west-9": "", "": "",
	} {
		if got, ok := known.Region(region); got != want || ok != (want != "") {
			t.Errorf("%q is of the partition %q, %v; want %q", region, got, ok, want)
		}
	}
	for _, region := range known.Regions() {
		partition, _ := known.Region(region)
		if got := awsmodel.PartitionOf(region); got != partition {
			t.Errorf("PartitionOf(%s) is %s, and the list says %s", region, got, partition)
		}
	}
}

func TestInstanceTypes(t *testing.T) {
	if !known.IsInstanceType("t3.medium") || known.IsInstanceType("t3.smal") {
		t.Error("t3.medium is an instance type, and t3.smal is none")
	}
	for name, want := range map[string]string{
		"t3.medium": "x86_64", "t4g.small": "arm64", "a1.large": "arm64", "m7g.metal": "arm64", "c7gn.xlarge": "arm64", "im4gn.large": "arm64",
		"is4gen.medium": "arm64", "hpc7g.16xlarge": "arm64", "g4dn.xlarge": "x86_64", "g5g.xlarge": "arm64", "g6e.xlarge": "x86_64", "gr6.4xlarge": "x86_64",
		"p6e-gb200.36xlarge": "arm64", "u-6tb1.metal": "x86_64", "u7i-12tb.224xlarge": "x86_64", "i7ie.large": "x86_64", "mac1.metal": "x86_64_mac",
		"mac2.metal": "arm64_mac", "mac2-m2pro.metal": "arm64_mac", "mac-m4.metal": "arm64_mac", "t3": "", "t3.": "", "": "", "metal.large": "",
	} {
		if got := known.InstanceArchitecture(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	for _, name := range known.InstanceTypes() {
		if known.InstanceArchitecture(name) == "" {
			t.Errorf("%s has no architecture", name)
		}
	}
}

// TestListsAreSorted: they are searched by halves.
func TestListsAreSorted(t *testing.T) {
	if !slices.IsSortedFunc(known.Components(), func(a, b known.Component) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("components.json is not sorted by name")
	}
	if !slices.IsSortedFunc(known.Images(), func(a, b known.Image) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("images.json is not sorted by name")
	}
	for _, c := range known.Components() {
		if _, ok := known.ComponentNamed(c.ReplacedBy); c.ReplacedBy != "" && !ok {
			t.Errorf("%s is replaced by %s, which isn't in the list", c.Name, c.ReplacedBy)
		}
		if c.Platform != "Linux" && c.Platform != "Windows" {
			t.Errorf("%s is for the platform %q", c.Name, c.Platform)
		}
	}
	for _, i := range known.Images() {
		if (i.RootDevice == "") != (i.Type == "DOCKER") || i.Platform == "" || i.OS == "" || i.Architecture == "" {
			t.Errorf("%+v is not whole", i)
		}
	}
}
