package sandbox

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

func itoa(n int) string { return strconv.Itoa(n) }

// A base is what a recipe builds on.
type base struct {
	platform string
	os       string   // "" where it is not known
	ami      *ami     // nil where the image is known by its id alone
	layers   []string // the changes it consists of, newest first, where it was built here
	lost     string   // why an image cannot be built on it, a sentence; "" where it can
}

func (ib *imageBuilder) createImageRecipe(c *call) (object, error) {
	b, err := ib.parent(c.account, c.region, text(c.in, "parentImage"))
	if err != nil {
		return nil, err
	}
	return ib.createRecipe(c, "image-recipe", b, object{"type": "AMI"})
}

// createContainerRecipe keeps a recipe. The parent is a reference into a registry and says nothing
// of its platform: Linux unless the recipe says otherwise.
func (ib *imageBuilder) createContainerRecipe(c *call) (object, error) {
	b := base{platform: cmp.Or(text(c.in, "platformOverride"), "Linux"), os: text(c.in, "imageOsVersionOverride")}
	extra := object{"encrypted": true, "dockerfileTemplateUri": nil}
	if text(c.in, "dockerfileTemplateData") != "" || text(c.in, "dockerfileTemplateUri") != "" {
		data, _, err := ib.source(c, "dockerfileTemplateData", "dockerfileTemplateUri")
		if err != nil {
			return nil, err
		}
		extra["dockerfileTemplateData"] = data
	}
	return ib.createRecipe(c, "container-recipe", b, extra)
}

func (ib *imageBuilder) createRecipe(c *call, kind string, b base, extra object) (object, error) {
	if err := ib.recipeComponents(c, b); err != nil {
		return nil, err
	}
	p, ok := parsePattern(text(c.in, "semanticVersion"))
	if !ok {
		return nil, fail("InvalidVersionNumberException", "Your version number is out of bounds or does not follow the required syntax.")
	}
	family := arnPrefix(c.region, c.account) + kind + "/" + awsmodel.NormalizeName(text(c.in, "name"))
	var others []version
	for _, o := range ib.db.families[family] {
		others = append(others, o.Version)
	}
	v := p.next(others)
	r := &resource{ARN: family + "/" + v.String(), Version: v}
	r.Body = with(without(c.in, "clientToken", "dryRun", "semanticVersion"), object{
		"platform":    b.platform,
		"owner":       c.account,
		"version":     v.String(),
		"dateCreated": isoTime(c.now),
	})
	r.Body = with(r.Body, extra)
	if text(r.Body, "workingDirectory") == "" {
		r.Body["workingDirectory"] = map[bool]string{true: "C:/", false: "/tmp"}[b.platform == "Windows"]
	}
	return ib.create(c, r)
}

// recipeComponents refuses components that do not exist, are not usable, do not suit the base
// image, or do not get the parameters they ask for.
func (ib *imageBuilder) recipeComponents(c *call, b base) error {
	for i, use := range list(c.in, "components") {
		arn, path := text(use, "componentArn"), "components["+itoa(i)+"]"
		comp := ib.db.resolve(arn, "component")
		switch {
		case comp == nil:
			return invalid(path+".componentArn", "The resource ARN '%s' does not exist.", arn)
		case !comp.usable():
			return invalid(path+".componentArn", "The component '%s' is deprecated or disabled.", arn)
		case text(comp.Body, "platform") != b.platform:
			return fail("InvalidParameterCombinationException",
				"The value supplied for parameter '%s.componentArn' is not valid. The component is for platform '%s' and the base image's platform is '%s'.",
				path, text(comp.Body, "platform"), b.platform)
		case !supports(texts(comp.Body, "supportedOsVersions"), b.os):
			return fail("InvalidParameterCombinationException",
				"The value supplied for parameter '%s.componentArn' is not valid. The component does not support the base image's operating system '%s'.",
				path, b.os)
		}
		if err := componentParameters(path, comp, use); err != nil {
			return err
		}
	}
	return nil
}

// supports is whether one of the versions a component names is the beginning of the base image's.
func supports(versions []string, os string) bool {
	return len(versions) == 0 || os == "" ||
		slices.ContainsFunc(versions, func(v string) bool { return strings.HasPrefix(os, v) })
}

func componentParameters(path string, comp *resource, use any) error {
	given := map[string]bool{}
	for _, p := range list(use, "parameters") {
		given[text(p, "name")] = true
	}
	for _, p := range list(comp.Body, "parameters") {
		name := text(p, "name")
		if !given[name] && at(p, "defaultValue") == nil {
			return fail("InvalidParameterCombinationException",
				"The value supplied for parameter '%s.parameters' is not valid. The following parameters have no default and must be given: %s", path, name)
		}
		delete(given, name)
	}
	if len(given) == 0 {
		return nil
	}
	var unknown []string
	for _, p := range list(use, "parameters") {
		if given[text(p, "name")] {
			unknown = append(unknown, text(p, "name"))
		}
	}
	return fail("InvalidParameterCombinationException",
		"The value supplied for parameter '%s.parameters' is not valid. The following parameters are not defined in the provided component: %s",
		path, strings.Join(unknown, ", "))
}

// parent finds what a recipe builds on. An AMI that the sandbox has not made nor was seeded with is
// taken to be some Linux: nothing here could know.
func (ib *imageBuilder) parent(account, region, value string) (base, error) {
	switch {
	case strings.HasPrefix(value, "arn:") && strings.Contains(value, ":imagebuilder:"):
		img := ib.db.resolve(value, "image")
		if img == nil {
			return base{}, invalid("parentImage", "The resource ARN '%s' does not exist.", value)
		}
		b := base{platform: text(img.Body, "platform"), os: text(img.Body, "osVersion")}
		for _, out := range list(img.Body, "outputResources", "amis") {
			if text(out, "region") == region {
				b.ami = ib.db.amis.get(region + "/" + text(out, "image"))
			}
		}
		if img.Work != nil {
			b.layers = img.Work.Layers // also where the image has no AMI in this region
		}
		return b, nil
	case strings.HasPrefix(value, "ami-"):
		return ib.baseAMI(region, value), nil
	case strings.HasPrefix(value, "ssm:"):
		name := strings.TrimPrefix(value, "ssm:")
		p, why := ib.db.chosen(account, region, name)
		if p != nil {
			return ib.baseAMI(region, p.Value), nil
		}
		b := base{platform: platformIn(name)}
		if !strings.HasPrefix(parameterName(name), "/aws/service/") {
			b.lost = why
		}
		return b, nil
	}
	return base{platform: "Linux"}, nil // a Marketplace product
}

func (ib *imageBuilder) baseAMI(region, id string) base {
	a := ib.db.amis.get(region + "/" + id)
	if a == nil {
		return base{platform: "Linux"}
	}
	return base{platform: a.Platform, os: a.OS, ami: a, layers: a.Layers}
}

// platformIn guesses the platform from the name of a public parameter.
func platformIn(name string) string {
	name = strings.ToLower(name)
	switch {
	case strings.Contains(name, "windows"):
		return "Windows"
	case strings.Contains(name, "macos"):
		return "macOS"
	}
	return "Linux"
}

// parameterName is the name in a parameter's name or ARN.
func parameterName(s string) string {
	if _, name, ok := strings.Cut(s, ":parameter/"); ok && strings.HasPrefix(s, "arn:") {
		return "/" + name
	}
	return s
}
