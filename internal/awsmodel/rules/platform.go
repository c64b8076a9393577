package rules

import (
	"slices"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/known"
)

// platformRules hold for what runs where.
var platformRules = []Rule{
	{
		ID: "ib-component-platform", Source: "API Reference, CreateImageRecipe: components are for the base image's platform",
		Says: "A component is for the platform of the parent image.",
		on:   on(build, "recipe.components[]"), judge: componentPlatform,
	},
	{
		ID: "ib-component-platforms", Source: "API Reference, CreateImageRecipe: all components of a recipe are for one platform",
		Says: "The components of a recipe are for one platform.",
		on:   on(build, "recipe.components"), judge: onePlatform,
	},
	{
		ID: "ib-component-os", Source: "API Reference, CreateComponent: supportedOsVersions is compared with the base image's operating system when a recipe is created",
		Says: "A component supports the operating system of the parent image.",
		on:   on(build, "recipe.components[]"), judge: componentOS,
	},
	{
		ID: "ib-parent-container", Source: "API Reference, CreateImageRecipe: parentImage is an AMI",
		Says: "The parent of an AMI is not a container image, and the parent of a container is not an AMI.",
		on:   on(build, "recipe.parentImage"), judge: parentOutput,
	},
	{
		ID: "ib-instance-architecture", Source: "aws/aws-parallelcluster#2470, hashicorp/packer#11429",
		Answer: "The architecture 'x86_64' of the specified instance type does not match the architecture 'arm64' of the specified AMI.",
		Says:   "Instance types have the parent image's architecture.",
		on:     on(build, "infrastructure.instanceTypes[]"), judge: instanceArchitecture,
	},
	{
		ID: "ib-instance-architectures", Severity: Warning,
		Source: "API Reference, CreateInfrastructureConfiguration: instanceTypes, of which the service picks one based on availability",
		Says:   "All instance types have the parent image's architecture, since any of them may be picked.",
		on:     on(build, "infrastructure.instanceTypes[]"), judge: someArchitecture,
	},
	{
		ID: "ib-macos-host", Source: "EC2 User Guide, Mac instances: a Mac instance runs on a Dedicated Host",
		Says: "A macOS image is built on a Dedicated Host.",
		on:   on(build, "infrastructure"), judge: macHost,
	},
	{
		ID: "ib-mac-tenancy", Source: "EC2 User Guide, Mac instances: Mac instances are available on Dedicated Hosts alone",
		Says: "A Mac instance type needs the tenancy host.",
		on:   on(infrastructures, ""), judge: macTenancy,
	},
	{
		ID: "ib-fast-launch-platform", Source: "EC2 User Guide, Fast Launch: Windows AMIs",
		Says: "Fast Launch is for Windows images.",
		on:   on(build, "distribution.distributions[].fastLaunchConfigurations[]"), judge: fastLaunchPlatform,
	},
	{
		ID: "ib-tests-disabled", Severity: Warning, Source: "API Reference, ImageTestsConfiguration: imageTestsEnabled",
		Says: "An image whose recipe has tests runs them.",
		on:   on(build, "image.imageTestsConfiguration.imageTestsEnabled"), judge: testsDisabled,
	},
	{
		ID: "ib-working-directory", Severity: Warning, Source: "API Reference, CreateImageRecipe: workingDirectory defaults to /tmp, and to C:/ on Windows",
		Says: "The working directory has the form of the parent image's platform.",
		on:   on(build, "recipe.workingDirectory"), judge: workingDirectory,
	},
}

// A Parent is what is known of the image that a recipe starts from. "" and 0 stand for what is not known.
type Parent struct {
	Title        string // how to name it to people
	Platform     string // Linux, Windows, macOS
	OS           string // as Image Builder names it: "Amazon Linux 2023"
	Architecture string // as EC2 names it: x86_64, arm64, x86_64_mac, arm64_mac
	RootDevice   string
	RootSize     float64 // of its root volume, GiB
	OneDevice    bool    // the root device is its only one
	Container    bool    // it is a container image
	Image        bool    // it is an AMI
	Licensed     bool    // it holds software that AWS licenses
	State        string  // of an AMI that EC2 was asked about, in its words, or Missing
	Deprecated   string  // since when it is, as EC2 writes times
}

// ParentOf is what the name of a parent image tells of it: an image that AWS manages, or a public parameter.
func ParentOf(image any) Parent {
	name := asked(image)
	if parameter, ok := strings.CutPrefix(name, "ssm:"); ok {
		return publicParameter(parameter)
	}
	a, err := awsmodel.ParseARN(name)
	if err != nil || a.Service != "imagebuilder" || a.Account != "aws" {
		return Parent{}
	}
	r, err := a.ParseResource()
	if err != nil {
		return Parent{}
	}
	base, ok := known.ImageNamed(r.Name)
	if !ok {
		return Parent{Title: r.Name, Platform: platformIn(r.Name), Architecture: architectureIn(r.Name)}
	}
	p := Parent{
		Title: base.Name, Platform: base.Platform, OS: base.OS, Architecture: base.Architecture, RootDevice: base.RootDevice,
		Container: base.Type == "DOCKER", Image: base.Type != "DOCKER",
	}
	p.OneDevice = p.Image
	p.RootSize = rootSizes[firstWord(base.Name)]
	p.Licensed = p.Platform == "Windows" || strings.HasPrefix(base.Name, "red-hat") || strings.HasPrefix(base.Name, "suse")
	return p
}

func firstWord(name string) string {
	word, _, _ := strings.Cut(name, "-")
	return word
}

// rootSizes are the sizes of the root volumes of AWS's images in GiB, by the first word of their names.
var rootSizes = map[string]float64{"windows": 30, "amazon": 8, "ubuntu": 8, "red": 10, "suse": 10, "macos": 100}

// platformIn tells the platform from the name of an image that AWS manages.
func platformIn(name string) string {
	name = strings.ToLower(name)
	switch {
	case strings.Contains(name, "windows"):
		return "Windows"
	case strings.Contains(name, "macos"):
		return "macOS"
	case slices.ContainsFunc([]string{"linux", "ubuntu", "red-hat", "rhel", "suse", "debian", "centos", "al2023", "al2", "amzn", "bottlerocket"}, func(w string) bool { return strings.Contains(name, w) }):
		return "Linux"
	}
	return ""
}

// architectureIn tells the architecture from the words of a name; "" where none says so.
func architectureIn(name string) string {
	mac := ""
	if platformIn(name) == "macOS" {
		mac = "_mac"
	}
	for word := range strings.FieldsFuncSeq(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune("-/.", r) }) {
		switch word {
		case "arm64", "aarch64":
			return "arm64" + mac
		case "x86", "x86_64", "amd64":
			return "x86_64" + mac
		}
	}
	return ""
}

// publicParameter is what the name of one of AWS's public parameters tells (Systems Manager User Guide, "Public parameters").
func publicParameter(name string) Parent {
	if !strings.HasPrefix(name, "/aws/service/") {
		return Parent{}
	}
	p := Parent{Title: name, Platform: platformIn(name), Architecture: architectureIn(name), Image: true}
	last := name[strings.LastIndexByte(name, '/')+1:]
	switch {
	case strings.HasPrefix(name, "/aws/service/ami-amazon-linux-latest/"):
		p.RootDevice, p.RootSize, p.OneDevice = "/dev/xvda", 8, true
		switch {
		case strings.HasPrefix(last, "al2023-"):
			p.OS = "Amazon Linux 2023"
		case strings.HasPrefix(last, "amzn2-"):
			p.OS = "Amazon Linux 2"
		}
		if strings.Contains(last, "minimal") {
			p.RootSize = 2
		}
	case strings.HasPrefix(name, "/aws/service/ami-windows-latest/"), strings.HasPrefix(name, "/aws/service/ec2-windows/"):
		p.Platform, p.Architecture, p.RootDevice, p.OneDevice, p.Licensed = "Windows", "x86_64", "/dev/sda1", true, true
		for _, year := range []string{"2016", "2019", "2022", "2025"} {
			if strings.Contains(last, "Windows_Server-"+year) {
				p.OS = "Microsoft Windows Server " + year
			}
		}
	case strings.HasPrefix(name, "/aws/service/canonical/ubuntu/"):
		p.RootDevice, p.RootSize = "/dev/sda1", 8
		if parts := strings.Split(name, "/"); len(parts) > 6 && len(parts[6]) == len("22.04") {
			p.OS = "Ubuntu " + parts[6][:2]
		}
	}
	return p
}

// platform is the parent's, or the one that its components agree on.
func (b *Build) platform() string {
	if b.Parent.Platform != "" {
		return b.Parent.Platform
	}
	one := ""
	for i, use := range entries(b.Recipe["components"]) {
		p := b.componentPlatform(i, use)
		if p != "" && one != "" && p != one {
			return ""
		}
		one = p
		if one == "" {
			return ""
		}
	}
	return one
}

// componentPlatform is the platform of one of a recipe's components: of its call, or of one that AWS manages.
func (b *Build) componentPlatform(i int, use any) string {
	if i < len(b.Components) && b.Components[i].Input != nil {
		return text(b.Components[i].Input["platform"])
	}
	a, err := awsmodel.ParseARN(asked(object(use)["componentArn"]))
	if err != nil || a.Account != "aws" {
		return ""
	}
	r, err := a.ParseResource()
	if err != nil {
		return ""
	}
	c, _ := known.ComponentNamed(r.Name)
	return c.Platform
}

// which is the index of the entry of a build's list that a subject is.
func which(s *subject) int { return s.at[len(s.at)-1].Index }

func componentPlatform(s *subject) {
	p := s.build.componentPlatform(which(s), s.value)
	if parent := s.build.Parent; p != "" && parent.Platform != "" && p != parent.Platform {
		s.wrong(".componentArn", "The component is for platform '"+awsmodel.Printable(p)+"' and the base image's platform is '"+parent.Platform+"'",
			"Use a component for "+parent.Platform+", or another parent image.")
	}
}

func onePlatform(s *subject) {
	if s.build.Parent.Platform != "" {
		return // each is compared with it
	}
	first, platform := 0, ""
	for i, use := range entries(s.value) {
		p := s.build.componentPlatform(i, use)
		switch {
		case p == "" || p == platform:
		case platform == "":
			first, platform = i, p
		default:
			s.wrong(index(i)+".componentArn", "The component is for platform '"+awsmodel.Printable(p)+"', and components"+index(first)+" is for '"+awsmodel.Printable(platform)+"'",
				"Make a recipe for each platform.")
		}
	}
}

func componentOS(s *subject) {
	i, os := which(s), s.build.Parent.OS
	if os == "" || i >= len(s.build.Components) {
		return
	}
	versions := entries(s.build.Components[i].Input["supportedOsVersions"])
	if len(versions) == 0 || s.build.componentPlatform(i, s.value) != s.build.Parent.Platform {
		return
	}
	var named []string
	for _, v := range versions {
		if isUnknown(v) || strings.HasPrefix(os, text(v)) || strings.HasPrefix(text(v), os) {
			return
		}
		named = append(named, awsmodel.Printable(text(v)))
	}
	s.wrong(".componentArn", "The component supports "+strings.Join(named, ", ")+", and the base image's operating system is '"+os+"'",
		`Add "`+os+`" to the component's supported_os_versions, or use another parent image.`)
}

func parentOutput(s *subject) {
	container := present(s.build.Recipe["containerType"])
	switch p := s.build.Parent; {
	case p.Container && !container:
		s.refuse("", p.Title+" is a container image, and an image recipe needs an AMI", "Write an AMI, or a container_recipe.")
	case p.Image && container:
		s.refuse("", p.Title+" is an AMI, and a container recipe needs a container image", "Write a container image, or an image_recipe.")
	}
}

func instanceArchitecture(s *subject) {
	if want, have := architectures(s); have != want && !otherMatches(s, want) {
		s.wrong("", "The architecture '"+have+"' of the instance type "+awsmodel.Printable(text(s.value))+" does not match the architecture '"+want+"' of "+s.build.Parent.Title,
			"Write an instance type of "+want+", such as "+typeOf[want]+", or another parent image.")
	}
}

func someArchitecture(s *subject) {
	if want, have := architectures(s); have != want && otherMatches(s, want) {
		s.wrong("", "Image Builder picks one of the instance types, and "+awsmodel.Printable(text(s.value))+" is "+have+" where "+s.build.Parent.Title+" is "+want,
			"Remove it: the build fails whenever it is picked.")
	}
}

// architectures are the parent image's and the instance type's; the same where one is not known.
func architectures(s *subject) (want, have string) {
	want, have = s.build.Parent.Architecture, known.InstanceArchitecture(text(s.value))
	if s.build.Parent.Container || present(s.build.Recipe["containerType"]) || want == "" || have == "" {
		return "", ""
	}
	return want, have
}

// otherMatches says whether some instance type may be of an architecture: what is not known may be.
func otherMatches(s *subject, want string) bool {
	return slices.ContainsFunc(entries(s.owner), func(e any) bool {
		have := known.InstanceArchitecture(text(e))
		return have == "" || have == want
	})
}

// typeOf is an instance type of each architecture.
var typeOf = map[string]string{"x86_64": "m5.large", "arm64": "m7g.large", "x86_64_mac": "mac1.metal", "arm64_mac": "mac2.metal"}

func macHost(s *subject) {
	in, p := object(s.value), s.build.Parent
	if s.build.platform() != "macOS" {
		return
	}
	if !filled(in["instanceTypes"]) {
		example := typeOf[p.Architecture]
		if example == "" {
			example = "mac2.metal"
		}
		s.wrong(".instanceTypes", "A macOS image needs a Mac instance type", `Write instance_types = ["`+example+`"].`)
	}
	tenancy := object(in["placement"])["tenancy"]
	if text(tenancy) != "host" && !isUnknown(tenancy) && !isUnknown(in["placement"]) && !hasMac(in) {
		s.wrong(".placement.tenancy", "A macOS image is built on a Dedicated Host", `Write placement { tenancy = "host" }, with host_id or host_resource_group_arn.`)
	}
}

func hasMac(infrastructure map[string]any) bool {
	return slices.ContainsFunc(entries(infrastructure["instanceTypes"]), func(t any) bool { return strings.HasPrefix(text(t), "mac") })
}

func macTenancy(s *subject) {
	in := object(s.value)
	tenancy := object(in["placement"])["tenancy"]
	if hasMac(in) && text(tenancy) != "host" && !isUnknown(tenancy) && !isUnknown(in["placement"]) {
		s.wrong(".placement.tenancy", "Mac instances run on Dedicated Hosts alone", `Write placement { tenancy = "host" }, with host_id or host_resource_group_arn.`)
	}
}

func fastLaunchPlatform(s *subject) {
	if p := s.build.platform(); object(s.value)["enabled"] == true && p != "" && p != "Windows" {
		s.wrong("", "Fast Launch is for Windows, and the image is "+p, "Remove the Fast Launch configuration.")
	}
}

func testsDisabled(s *subject) {
	if s.value != false {
		return
	}
	tests := slices.ContainsFunc(s.build.Components, func(c Component) bool { return slices.Contains(c.Phases, "test") })
	workflows := slices.ContainsFunc(entries(s.build.Image["workflows"]), func(w any) bool {
		_, r, ok := workflow(object(w)["workflowArn"])
		return ok && r.Type == "test"
	})
	if tests || workflows {
		s.refuse("", "Tests are disabled, so the recipe's tests never run", "Remove image_tests_enabled = false, or the tests.")
	}
}

func workingDirectory(s *subject) {
	windows := len(text(s.value)) > 1 && text(s.value)[1] == ':'
	p := s.build.platform()
	if v := text(s.value); v != "" && p != "" && windows != (p == "Windows") {
		s.refuse("", awsmodel.Printable(v)+" is no directory of "+p, map[bool]string{true: `Write a path such as "C:/build".`, false: `Write a path such as "/var/tmp".`}[p == "Windows"])
	}
}
