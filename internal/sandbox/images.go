package sandbox

import (
	"cmp"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// work is what the sandbox remembers of an image besides what Get shows.
type work struct {
	Account string
	Group   string // of its log
	// Uses are the components, fixed when the image was started.
	Uses []use
	// Layers are the directories the finished image consists of, newest first, the base's last.
	Layers []string
	// Base are the layers below what this image changes.
	Base []string
	// From is the stage to begin with: BUILDING, TESTING or DISTRIBUTING.
	From string
	// Build and Test say whether these stages belong to the image's workflows.
	Build, Test bool
	// Refusal is why the image cannot be made, a sentence; "" where it can. AWS, too, takes the call
	// and fails the image.
	Refusal string
	// NotRun says why no component ran; "" where they did.
	NotRun string
	// Round counts the attempts, so that a retry makes new AMI ids.
	Round int
	// AMI is the AMI of the build stage, once there is one.
	AMI          string
	Architecture string
	// Hardware is what the AMIs have from the base image and the recipe besides: how they boot, their disks.
	Hardware hardware
	// Packages are those that the image had when it was built; none where nobody could ask.
	Packages []imagePackage `json:",omitempty"`
	// Source is the AMI whose copies DistributeImage makes; "" for an image that is built.
	Source string
}

// A use is one component of an image and the values of its parameters.
type use struct {
	ARN        string
	Parameters map[string]string
}

// terminal is whether an image's creation has ended.
func terminal(r *resource) bool {
	return slices.Contains([]string{"AVAILABLE", "FAILED", "CANCELLED", "DEPRECATED", "DISABLED", "DELETED"},
		text(r.Body, "state", "status"))
}

func (ib *imageBuilder) createImage(c *call) (object, error) { return ib.startImage(c, nil) }

// startImage makes the image's record and sets the builder to work. pipeline is nil for CreateImage.
func (ib *imageBuilder) startImage(c *call, pipeline *resource) (object, error) {
	recipe, err := ib.makings(c)
	if err != nil {
		return nil, err
	}
	if recipe.ref.kind == "container-recipe" {
		return nil, unsupported(c.op, "building container images.")
	}
	base, err := ib.parent(c.account, c.region, text(recipe.Body, "parentImage"))
	if err != nil {
		return nil, err
	}
	uses, err := ib.uses(recipe)
	if err != nil {
		return nil, err
	}
	w := &work{Account: c.account, Uses: uses, From: "BUILDING", Group: logGroup(c.in, recipe), Architecture: "x86_64"}
	w.Base = base.layers
	if base.ami != nil {
		w.Architecture = base.ami.Architecture
		w.Hardware = hardware{base.ami.BootMode, base.ami.TPM, mapped(base.ami, list(recipe.Body, "blockDeviceMappings"))}
	}
	w.plan(c.in)
	w.Refusal = cmp.Or(base.lost, w.Refusal)
	body := object{
		"imageRecipe":                  recipe.Body,
		"platform":                     recipe.Body["platform"],
		"enhancedImageMetadataEnabled": flag(true, c.in, "enhancedImageMetadataEnabled"),
		"imageTestsConfiguration":      testsDefaults(c.in),
		"infrastructureConfiguration":  ib.db.exact(text(c.in, "infrastructureConfigurationArn")).Body,
		"imageScanningConfiguration":   c.in["imageScanningConfiguration"],
		"executionRole":                c.in["executionRole"],
		"workflows":                    c.in["workflows"],
	}
	if base.os != "" {
		body["osVersion"] = base.os
	}
	if d := ib.db.exact(text(c.in, "distributionConfigurationArn")); d != nil {
		body["distributionConfiguration"] = d.Body
	}
	if pipeline != nil {
		body["sourcePipelineArn"], body["sourcePipelineName"] = pipeline.ARN, pipeline.Body["name"]
	}
	return ib.launch(c, imageName{text(recipe.Body, "name"), recipe.Version}, w, body)
}

// An imageName is what an image has from its recipe.
type imageName struct {
	name    string
	version version
}

// launch gives an image its build number, stores it PENDING and starts it.
func (ib *imageBuilder) launch(c *call, n imageName, w *work, body object) (object, error) {
	running := 0
	for _, r := range ib.db.all(c.region, c.account, "image") {
		if !terminal(r) {
			running++
		}
	}
	if quota := ib.quota("image"); running >= quota {
		return nil, fail("ServiceQuotaExceededException", "You have exceeded the number of images that can be built at once: %d.", quota)
	}
	family := arnPrefix(c.region, c.account) + "image/" + awsmodel.NormalizeName(n.name) + "/" + n.version.String()
	r := &resource{Version: n.version, Build: int(ib.db.count(family)), Created: c.now, Work: w}
	r.ARN = family + "/" + itoa(r.Build)
	tags, _ := c.in["tags"].(object)
	r.Body = with(body, object{
		"arn":                  r.ARN,
		"type":                 "AMI",
		"name":                 n.name,
		"version":              n.version.String() + "/" + itoa(r.Build),
		"state":                object{"status": "PENDING"},
		"owner":                c.account,
		"dateCreated":          isoTime(c.now),
		"outputResources":      object{"amis": []any{}},
		"buildType":            "USER_INITIATED",
		"imageSource":          "CUSTOM",
		"tags":                 with(tags, nil),
		"loggingConfiguration": object{"logGroupName": w.Group},
	})
	ib.db.add(r)
	ib.builds.start(r)
	out := object{"imageBuildVersionArn": r.ARN}
	if c.op.Name == "CreateImage" {
		out["latestVersionReferences"] = r.latestReferences()
	}
	return out, nil
}

// logGroup is where an image's log goes. AWS's examples keep the recipe name's case; a name with
// spaces cannot name a group, so there the form of the ARN is taken.
func logGroup(in object, recipe *resource) string {
	if group := text(in, "loggingConfiguration", "logGroupName"); group != "" {
		return group
	}
	name := text(recipe.Body, "name")
	if strings.Contains(name, " ") {
		name = awsmodel.NormalizeName(name)
	}
	return "/aws/imagebuilder/" + name
}

// plan derives the stages from the workflows given; none given are AWS's build-image and test-image.
func (w *work) plan(in object) {
	workflows := list(in, "workflows")
	w.Build = len(workflows) == 0
	w.Test = len(workflows) == 0
	for _, wf := range workflows {
		f, _ := parseRef(text(wf, "workflowArn"))
		typ, _, _ := strings.Cut(f.name, "/")
		w.Build = w.Build || typ == "build"
		w.Test = w.Test || typ == "test"
		if f.owner != "aws" {
			w.Refusal = "The sandbox does not do this: running the workflow " + text(wf, "workflowArn") + ". It runs AWS's own workflows only."
		}
	}
	if !w.Build && w.Refusal == "" {
		w.Refusal = "The sandbox does not do this: making an image without a build workflow."
	}
	if !flag(true, in, "imageTestsConfiguration", "imageTestsEnabled") {
		w.Test = false
	}
}

// uses fixes which builds of the recipe's components an image consists of.
func (ib *imageBuilder) uses(recipe *resource) ([]use, error) {
	var out []use
	for i, u := range list(recipe.Body, "components") {
		arn := text(u, "componentArn")
		comp := ib.db.resolve(arn, "component")
		if comp == nil {
			return nil, invalid("imageRecipeArn", "Its component components[%d], '%s', does not exist.", i, arn)
		}
		params := map[string]string{}
		for _, p := range list(u, "parameters") {
			params[text(p, "name")] = strings.Join(texts(p, "value"), ",")
		}
		out = append(out, use{comp.ARN, params})
	}
	return out, nil
}

// image finds the image of a call that changes one.
func (ib *imageBuilder) image(c *call) (*resource, error) {
	arn := text(c.in, "imageBuildVersionArn")
	r := ib.db.exact(arn)
	if r == nil || r.ref.kind != "image" {
		return nil, notFound(arn)
	}
	return r, nil
}

// cancelImage is asynchronous: the image is CANCELLED when its work has ended.
func (ib *imageBuilder) cancelImage(c *call) (object, error) {
	r, err := ib.image(c)
	if err != nil {
		return nil, err
	}
	if terminal(r) {
		return nil, invalid("imageBuildVersionArn", "The image '%s' is in state %s and cannot be cancelled.",
			r.ARN, text(r.Body, "state", "status"))
	}
	ib.builds.cancel(r.ARN)
	return object{"imageBuildVersionArn": r.ARN}, nil
}

// retryImage resumes a failed or cancelled image in place, at the test or distribution it failed in.
func (ib *imageBuilder) retryImage(c *call) (object, error) {
	r, err := ib.image(c)
	if err != nil {
		return nil, err
	}
	status := text(r.Body, "state", "status")
	if r.Work == nil || (status != "FAILED" && status != "CANCELLED") {
		return nil, fail("InvalidRequestException", "The image '%s' is in state %s. Only FAILED and CANCELLED images can be retried.", r.ARN, status)
	}
	if r.Work.From == "BUILDING" {
		return nil, fail("InvalidRequestException", "The image '%s' did not complete its build stage and cannot be retried. Create a new image.", r.ARN)
	}
	for _, e := range ib.executionsOf(r.ARN) {
		if e.Status != "COMPLETED" {
			e.Retried = true
			ib.db.executions.put(e.ID, e)
		}
	}
	r.Work.Round++
	r.Body = with(r.Body, object{"state": object{"status": "PENDING"}})
	ib.db.save(r)
	ib.builds.start(r)
	return object{"imageBuildVersionArn": r.ARN}, nil
}

// distributeImage makes a new image record of an image that was built here, and only distributes.
func (ib *imageBuilder) distributeImage(c *call) (object, error) {
	source := text(c.in, "sourceImage")
	img, err := ib.distributable(c, source)
	if err != nil {
		return nil, err
	}
	distArn := text(c.in, "distributionConfigurationArn")
	dist := ib.db.exact(distArn)
	if dist == nil || dist.ref.kind != "distribution-configuration" {
		return nil, notFound(distArn)
	}
	old := img.Work
	w := &work{
		Account: c.account, Group: cmp.Or(text(c.in, "loggingConfiguration", "logGroupName"), old.Group), Layers: old.Layers,
		From: "DISTRIBUTING", Architecture: old.Architecture, Hardware: old.Hardware, NotRun: old.NotRun, Source: img.ARN,
	}
	body := object{"distributionConfiguration": dist.Body, "executionRole": c.in["executionRole"]}
	for _, m := range []string{"imageRecipe", "platform", "osVersion", "infrastructureConfiguration"} {
		body[m] = img.Body[m]
	}
	return ib.launch(c, imageName{text(img.Body, "name"), img.Version}, w, body)
}

// distributable finds the AVAILABLE image that sourceImage stands for.
func (ib *imageBuilder) distributable(c *call, source string) (*resource, error) {
	if name, ok := strings.CutPrefix(source, "ssm:"); ok {
		p, why := ib.db.chosen(c.account, c.region, name)
		if p == nil {
			return nil, invalid("sourceImage", "%s", why)
		}
		source = p.Value
	}
	if strings.HasPrefix(source, "ami-") {
		a := ib.db.amis.get(c.region + "/" + source)
		if a == nil || a.Image == "" {
			return nil, unsupported(c.op, "distributing an AMI that was not built here.")
		}
		source = a.Image
	}
	img := ib.db.resolve(source, "image")
	switch {
	case img == nil:
		return nil, notFound(source)
	case img.Work == nil:
		return nil, unsupported(c.op, "distributing an image that was not built here.")
	case text(img.Body, "state", "status") != "AVAILABLE":
		return nil, invalid("sourceImage", "The image '%s' is not AVAILABLE.", source)
	}
	return img, nil
}
