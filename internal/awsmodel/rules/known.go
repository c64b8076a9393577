package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/known"
)

// The lists behind these rules age, so that a name which is missing there is a warning.
var knownRules = []Rule{
	{
		ID: "ib-region-known", Severity: Warning, Source: "AWS SDK endpoint data: regions of each partition",
		Says: "A region is one that AWS has.",
		on:   []site{{distributions, "distributions[].region"}, {infrastructures, "placement.availabilityZone"}}, judge: regionKnown,
	},
	{
		ID: "ib-instance-type-known", Severity: Warning, Source: "EC2 API Reference, InstanceType",
		Says: "An instance type is one that EC2 has.",
		on:   on(infrastructures, "instanceTypes[]"), judge: instanceTypeKnown,
	},
	{
		ID: "ib-managed-component", Severity: Warning, Source: "User Guide, Use managed components",
		Says: "A component of AWS's own is one that AWS has.",
		on:   on(recipes, "components[].componentArn"), judge: managedComponent,
	},
	{
		ID: "ib-managed-component-replaced", Severity: Warning, Source: "User Guide, Amazon managed STIG hardening components: one component with a Level takes the place of one a level",
		Says: "New recipes use the component that took a managed component's place.",
		on:   on(recipes, "components[].componentArn"), judge: managedComponentReplaced,
	},
	{
		ID: "ib-managed-parameter", Severity: Warning, Source: "User Guide, Distributor package and STIG components: parameters",
		Says: "A managed component gets the parameters it declares, with values it accepts.",
		on:   on(recipes, "components[]"), judge: managedParameters,
	},
	{
		ID: "ib-managed-image", Severity: Warning, Source: "User Guide, Supported operating systems; aws-cdk imagebuilder-alpha, amazon-managed-image.ts",
		Says: "A managed image is one that AWS has.",
		on:   on(recipes, "parentImage"), judge: managedImage,
	},
}

// asOf is the sentence that says how old the lists are.
const asOf = " as of " + known.Date

// nearest advises the candidate nearest to a name, and otherwise what to do.
func nearest(name string, candidates []string, otherwise string) string {
	if s := awsmodel.Suggest(name, candidates); strings.HasPrefix(s, "Did you mean") {
		return s
	}
	return otherwise
}

func regionKnown(s *subject) {
	name := text(s.value)
	if zone := len(name) - 1; s.owner != nil && strings.HasSuffix(s.path(""), "availabilityZone") && zone > 0 {
		name = strings.TrimRight(name, "abcdefghijklmnopqrstuvwxyz") // a zone is its region and a letter
	}
	if name == "" || !strings.Contains(name, "-") {
		return // the shape of the name is another rule's
	}
	if _, ok := known.Region(name); !ok {
		s.refuse("", "AWS has no region "+awsmodel.Printable(name)+asOf, nearest(name, known.Regions(), "Check the region's name."))
	}
}

func instanceTypeKnown(s *subject) {
	if name := text(s.value); name != "" && !known.IsInstanceType(name) {
		s.refuse("", "EC2 has no instance type "+awsmodel.Printable(name)+asOf, nearest(name, known.InstanceTypes(), "Check the type's name."))
	}
}

// managedName is the name in the ARN of something that AWS owns; "" for everything else.
func managedName(value any, resource string) string {
	a, err := awsmodel.ParseARN(text(value))
	if err != nil || a.Account != "aws" || a.Service != "imagebuilder" {
		return ""
	}
	rest, ok := strings.CutPrefix(a.Resource, resource+"/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func managedComponent(s *subject) {
	name := managedName(s.value, "component")
	if _, ok := known.ComponentNamed(name); ok || name == "" {
		return
	}
	var names []string
	for _, c := range known.Components() {
		names = append(names, c.Name)
	}
	s.refuse("", "AWS has no component "+awsmodel.Printable(name)+asOf,
		nearest(name, names, "List them: aws imagebuilder list-components --owner Amazon."))
}

func managedComponentReplaced(s *subject) {
	name := managedName(s.value, "component")
	c, ok := known.ComponentNamed(name)
	if !ok || c.ReplacedBy == "" {
		return
	}
	advice := "Use " + c.ReplacedBy + "."
	if level := name[strings.LastIndexByte(name, '-')+1:]; level != "" {
		advice = "Use " + c.ReplacedBy + " with the parameter Level = " + strings.ToUpper(level[:1]) + level[1:] + "."
	}
	s.refuse("", name+" is deprecated, and new recipes may not use it", advice)
}

// managedParameters holds the parameters of a managed component to its declarations.
func managedParameters(s *subject) {
	use := object(s.value)
	arn := use["componentArn"]
	if u, ok := arn.(awsmodel.Unknown); ok {
		arn = u.Question
	}
	c, ok := known.ComponentNamed(managedName(arn, "component"))
	if !ok || len(c.Parameters) == 0 || isUnknown(use["parameters"]) {
		return // of most components AWS documents no parameters, which doesn't say that they have none
	}
	given := map[string]bool{}
	for i, e := range entries(use["parameters"]) {
		p := object(e)
		name := text(p["name"])
		if isUnknown(p["name"]) || isUnknown(e) {
			return // any of them may be the one
		}
		given[name] = true
		s.managedParameter(c, name, ".parameters["+strconv.Itoa(i)+"]", p["value"])
	}
	for _, p := range c.Parameters {
		if p.Required && !given[p.Name] {
			s.refuse(".parameters", c.Name+" needs a value for its parameter "+p.Name, "Add parameter { name = \""+p.Name+"\", value = [...] }.")
		}
	}
}

func (s *subject) managedParameter(c known.Component, name, at string, value any) {
	var names []string
	for _, p := range c.Parameters {
		names = append(names, p.Name)
	}
	i := slices.Index(names, name)
	if i < 0 {
		s.refuse(at+".name", c.Name+" has no parameter "+awsmodel.Printable(name)+asOf,
			nearest(name, names, c.Name+" takes "+strings.Join(names, ", ")+"."))
		return
	}
	allowed := c.Parameters[i].Allowed
	for _, v := range entries(value) {
		if v := text(v); v != "" && len(allowed) > 0 && !slices.Contains(allowed, v) {
			s.refuse(at+".value", name+" doesn't accept "+awsmodel.Printable(v), awsmodel.Suggest(v, allowed))
		}
	}
}

func managedImage(s *subject) {
	name := managedName(s.value, "image")
	if _, ok := known.ImageNamed(name); ok || name == "" {
		return
	}
	var names []string
	for _, i := range known.Images() {
		names = append(names, i.Name)
	}
	s.refuse("", "AWS has no image "+awsmodel.Printable(name)+asOf,
		nearest(name, names, "List them: aws imagebuilder list-images --owner Amazon."))
}
