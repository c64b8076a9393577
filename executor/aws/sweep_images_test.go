package aws_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/planner"
)

// recipesAndConfigurations is what AWS holds of Image Builder besides images.
var recipesAndConfigurations = []question{
	{op: "imagebuilder:ListComponents", in: `{"owner":"Self"}`},
	{op: "imagebuilder:ListImageRecipes", in: `{"owner":"Self"}`},
	{op: "imagebuilder:ListInfrastructureConfigurations", in: `{}`},
	{op: "imagebuilder:ListDistributionConfigurations", in: `{}`, each: &question{op: "imagebuilder:GetDistributionConfiguration", in: `{"distributionConfigurationArn":"%s"}`}},
	{op: "ssm:GetParametersByPath", in: `{"Path":"/","Recursive":true}`},
	{op: "ssm:GetParametersByPath", in: `{"Path":"/","Recursive":true}@eu-central-1`},
}

// Images are built and brought to a changed distribution whatever happened to the run before: AWS then holds what it holds
// after an undisturbed run, with the same tags and shared with the same accounts.
func TestSweepOfImages(t *testing.T) {
	const (
		one       = "regions = [\"eu-west-1\"]\n"
		two       = "regions = [\"eu-west-1\", \"eu-central-1\"]\n"
		parameter = "ssm_parameter_configuration {\nparameter_name = \"/imagebuilder/web\"\n}\n"
	)
	public := distributedImage(one+"launch_permission {\nuser_groups = [\"all\"]\n}", distributor)
	for name, s := range map[string]*sweep{
		"new":             {files: distributedImage(one+parameter, distributor)},
		"permissions":     {before: public, files: distributedImage(one+"launch_permission {\nuser_ids = [\"111122223333\"]\n}", distributor)},
		"redistribute":    {before: public, files: distributedImage(two, distributor)},
		"a parameter":     {before: public, files: distributedImage(one+parameter, distributor)},
		"a region less":   {before: distributedImage(two+"launch_permission {\nuser_groups = [\"all\"]\n}", distributor), files: distributedImage(one, distributor)},
		"no distribution": {before: public, files: distributedImage("", distributor)},
	} {
		t.Run(name, func(t *testing.T) {
			s.state, s.also, s.every = recipesAndConfigurations, imagesHeld, 4
			s.sweeping(t)
		})
	}
}

// imagesHeld is what AWS holds of images, as text: of each AMI its tags and whom it and its snapshots are shared with, of each
// version the distribution that counts, and what goes on. Numbers of builds are left out, since one that was canceled is counted.
func imagesHeld(w *world, c *aws.Clients) string {
	var lines []string
	newest := map[string]map[string]any{} // by version
	for _, b := range w.answers(c, "imagebuilder:ListImageBuildVersions", region, `{}`, "imageSummaryList") {
		state := b["state"].(map[string]any)["status"]
		if !slices.Contains([]any{"AVAILABLE", "CANCELLED", "FAILED"}, state) {
			lines = append(lines, fmt.Sprintf("a build is %v", state))
		}
		arn := fmt.Sprint(b["arn"])
		version := arn[:strings.LastIndexByte(arn, '/')]
		if state == "AVAILABLE" && (newest[version] == nil || fmt.Sprint(newest[version]["arn"]) < arn) {
			newest[version] = b
		}
	}
	current := map[string]bool{}
	for version, b := range newest {
		tags, _ := json.Marshal(b["tags"])
		lines = append(lines, fmt.Sprintf("%s %s", version, tags))
		amis, _ := b["outputResources"].(map[string]any)["amis"].([]any)
		for _, a := range amis {
			current[fmt.Sprint(a.(map[string]any)["image"])] = true
		}
	}
	for _, where := range []string{region, "eu-central-1"} {
		for _, ami := range w.answers(c, "ec2:DescribeImages", where, `{"Owners":["self"]}`, "Images") {
			lines = append(lines, w.amiHeld(c, where, ami, current[fmt.Sprint(ami["ImageId"])]))
		}
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

// amiHeld is one AMI as a line.
func (w *world) amiHeld(c *aws.Clients, where string, ami map[string]any, current bool) string {
	var tags []string
	for _, t := range ami["Tags"].([]any) {
		if tag := t.(map[string]any); tag["Key"] != "Ec2ImageBuilderArn" {
			tags = append(tags, fmt.Sprintf("%v=%v", tag["Key"], tag["Value"]))
		}
	}
	slices.Sort(tags)
	shared := w.answers(c, "ec2:DescribeImageAttribute", where, fmt.Sprintf(`{"ImageId":%q,"Attribute":"launchPermission"}`, ami["ImageId"]), "LaunchPermissions")
	var snapshots []any
	for _, disk := range ami["BlockDeviceMappings"].([]any) {
		ebs, _ := disk.(map[string]any)["Ebs"].(map[string]any)
		snapshots = append(snapshots, w.answers(c, "ec2:DescribeSnapshotAttribute", where,
			fmt.Sprintf(`{"SnapshotId":%q,"Attribute":"createVolumePermission"}`, ebs["SnapshotId"]), "CreateVolumePermissions"))
	}
	return fmt.Sprintf("AMI in %s, current %v, tags %v, %v, shared with %v, snapshots with %v", where, current, tags, ami["State"], shared, snapshots)
}

// answers are the things that a call lists.
func (w *world) answers(c *aws.Clients, op, where, in, member string) []map[string]any {
	w.Helper()
	raw, err := c.Call(w.Context(), planner.Op(op), where, json.RawMessage(in))
	if err != nil {
		w.Fatal(err)
	}
	var all map[string]any
	if err = json.Unmarshal(raw, &all); err != nil {
		w.Fatal(err)
	}
	var out []map[string]any
	things, _ := all[member].([]any)
	for _, thing := range things {
		out = append(out, thing.(map[string]any))
	}
	return out
}
