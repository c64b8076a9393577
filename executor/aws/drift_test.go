package aws_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/internal/permissions"
	"github.com/org/imagebuild-action/planner"
)

// distributedImage is an image with a distribution, and a role where one is given.
func distributedImage(distribution, role string) map[string]string {
	config := `
image_recipe "web" {
  parent_image = "aws:amazon-linux-2023-x86"
}
infrastructure_configuration "small" {
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}
image "web" {
  image_recipe_arn                 = image_recipe.web
  infrastructure_configuration_arn = infrastructure_configuration.small
`
	if distribution != "" {
		config += "  distribution_configuration_arn = distribution_configuration.web\n"
	}
	if role != "" {
		config += fmt.Sprintf("  execution_role = %q\n", role)
	}
	config += "}\n"
	if distribution != "" {
		config += "distribution_configuration \"web\" {\n" + distribution + "\n}\n"
	}
	return map[string]string{"main.ib.hcl": config}
}

const distributor = "arn:aws:iam::123456789012:role/distribute"

func swift(run string) aws.Options {
	return aws.Options{Interval: 20 * time.Millisecond, CallsPerSecond: 1000, Run: run}
}

// shares are whom the AMI of an image is shared with, as EC2 says it.
func shares(t *testing.T, c *aws.Clients, ami any) string {
	t.Helper()
	return ask(t, c, "ec2:DescribeImageAttribute", fmt.Sprintf(`{"ImageId":%q,"Attribute":"launchPermission"}`, ami))
}

// changesOf are the verb and the call of all that a plan has to do.
func changesOf(p *planner.Plan) (out []string) {
	for _, ch := range p.Changes {
		if ch.Verb != planner.None {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", ch.Verb, ch.Addr.Type, ch.Op)))
		}
	}
	return out
}

// What a distribution says of one that AWS holds already is brought there, without another build: by EC2 where it is about who may
// launch it, by DistributeImage where that can. What nothing can is an error. Afterwards nothing is left to do.
func TestADistributionThatChanged(t *testing.T) {
	t.Parallel()
	const (
		configured = "create distribution_configuration imagebuilder:CreateDistributionConfiguration"
		recorded   = "update image"
		shared     = "update ami_launch_permission ec2:ModifyImageAttribute"
		again      = "update image imagebuilder:DistributeImage"
		one        = `regions = ["eu-west-1"]`
		org        = `organization_arns = ["arn:aws:organizations::123456789012:organization/o-abcdefghij"]`
		ou         = `organizational_unit_arns = ["arn:aws:organizations::123456789012:ou/o-abcdefghij/ou-abcd-abcdefgh"]`
	)
	launch := func(inside string) string { return one + "\nlaunch_permission {\n" + inside + "\n}" }
	ami := func(inside string) string {
		return "distribution {\nregion = \"eu-west-1\"\nami_distribution_configuration {\nname = \"web {{ imagebuilder:buildDate }}\"\n" + inside + "\n}\n}"
	}
	for name, tt := range map[string]struct {
		before, after string
		role          string
		does          []string // of the second plan
		refused       string   // the error of the second plan
		has, lacks    string   // whom the first AMI is shared with afterwards
	}{
		"public no more":             {before: launch(`user_groups = ["all"]`), after: one, does: []string{configured, shared, recorded}, lacks: `"all"`},
		"no distribution any more":   {before: launch(`user_groups = ["all"]`), after: "", does: []string{shared, recorded}, lacks: `"all"`},
		"an account less":            {before: launch(`user_ids = ["111122223333", "444455556666"]`), after: launch(`user_ids = ["444455556666"]`), does: []string{configured, shared, recorded}, has: "444455556666", lacks: "111122223333"},
		"an account more":            {before: one, after: launch(`user_ids = ["111122223333"]`), does: []string{configured, shared, recorded}, has: "111122223333"},
		"first distribution":         {before: "", after: launch(`user_ids = ["111122223333"]`), does: []string{configured, shared, recorded}, has: "111122223333"},
		"an organization for all":    {before: launch(`user_groups = ["all"]`), after: launch(org), does: []string{configured, shared, recorded}, has: "o-abcdefghij", lacks: `"all"`},
		"a unit less":                {before: launch(ou + "\n" + org), after: launch(org), does: []string{configured, shared, recorded}, has: ":organization/", lacks: ":ou/"},
		"tags":                       {before: ami(""), after: ami(`ami_tags = { team = "web" }`), role: distributor, does: []string{configured, again}},
		"tags and public no more":    {before: ami("launch_permission {\nuser_groups = [\"all\"]\n}"), after: ami(`ami_tags = { team = "web" }`), role: distributor, does: []string{configured, shared, again}, lacks: `"all"`},
		"a tag less":                 {before: ami(`ami_tags = { team = "web", x = "y" }`), after: ami(`ami_tags = { team = "web" }`), role: distributor, does: []string{configured, again}},
		"tags without a role":        {before: ami(""), after: ami(`ami_tags = { team = "web" }`), refused: "execution_role"},
		"a region more, and no role": {before: one, after: `regions = ["eu-west-1", "eu-central-1"]`, refused: "not in eu-central-1"},
		"a region more":              {before: one, after: `regions = ["eu-west-1", "eu-central-1"]`, role: distributor, does: []string{configured, again}},
		"a region less":              {before: `regions = ["eu-west-1", "eu-central-1"]`, after: one, does: []string{configured, recorded}},
		"an account's copy":          {before: ami(""), after: ami(`target_account_ids = ["111122223333"]`), role: distributor, does: []string{configured, again}},
		"a parameter":                {before: one, after: one + "\nssm_parameter_configuration {\nparameter_name = \"/web/ami\"\n}", role: distributor, does: []string{configured, again}},
		"a parameter less":           {before: one + "\nssm_parameter_configuration {\nparameter_name = \"/imagebuilder/web\"\n}", after: one, does: []string{configured, recorded}},
		"a license":                  {before: one, after: one + "\nlicense_configuration_arns = [\"arn:aws:license-manager:eu-west-1:123456789012:license-configuration:lic-0123456789abcdef0123456789abcdef\"]", role: distributor, does: []string{configured, again}},
		"a license less":             {before: one + "\nlicense_configuration_arns = [\"arn:aws:license-manager:eu-west-1:123456789012:license-configuration:lic-0123456789abcdef0123456789abcdef\"]", after: one, role: distributor, refused: "--rebuild"},
		"a launch template":          {before: one, after: one + "\nlaunch_template_configuration {\nlaunch_template_id = \"lt-0123456789abcdef0\"\n}", role: distributor, does: []string{configured, again}},
		"an export":                  {before: one, after: one + "\ns3_export_configuration {\nrole_name = \"vmimport\"\ndisk_image_format = \"RAW\"\ns3_bucket = \"disks\"\n}", role: distributor, does: []string{configured, again}},
		"the configuration's name":   {before: one, after: one + "\nname = \"other\"", does: []string{configured, recorded}},
		"an account's copy is not ours to change": {
			before: ami("target_account_ids = [\"111122223333\"]\nlaunch_permission {\nuser_groups = [\"all\"]\n}"), after: ami(`target_account_ids = ["111122223333"]`), role: distributor, refused: "belongs to account 111122223333",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, server, _ := connect(t)
			first := carryOut(t.Context(), plan(t, c, distributedImage(tt.before, tt.role)), c.Driver(swift("1")))
			if first.err != nil {
				t.Fatal(first.err)
			}
			image := first.finished["image.web"].Outputs["ami"]
			p, diags := planned(t, c, distributedImage(tt.after, tt.role))
			if tt.refused != "" {
				if !diags.HasErrors() || !strings.Contains(diags.Error(), tt.refused) {
					t.Errorf("diagnostics %v, want an error that says %q", diags, tt.refused)
				}
				return
			}
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if got := changesOf(p); !slices.Equal(got, tt.does) {
				t.Errorf("the plan does %q, want %q", got, tt.does)
			}
			if second := carryOut(t.Context(), p, c.Driver(swift("2"))); second.err != nil {
				t.Fatal(second.err)
			}
			if got := shares(t, c, image); tt.has != "" && !strings.Contains(got, tt.has) || tt.lacks != "" && strings.Contains(got, tt.lacks) {
				t.Errorf("shared with %s", got)
			}
			before := server.Calls()
			if got := changesOf(plan(t, c, distributedImage(tt.after, tt.role))); len(got) > 0 {
				t.Errorf("the third plan does %q", got)
			}
			for op, n := range server.Calls() {
				lookedUp := map[string]int{"imagebuilder:GetImage": 1}[op] // the parent image
				if n > before[op]+lookedUp && (strings.HasPrefix(op, "ec2:") || op == "imagebuilder:GetImage") {
					t.Errorf("%s is called %d times where nothing changed", op, n-before[op])
				}
			}
		})
	}
}

// planned is a plan with its diagnostics.
func planned(t *testing.T, c *aws.Clients, files map[string]string) (*planner.Plan, hcl.Diagnostics) {
	t.Helper()
	g := compile(t, files)
	facts, diags := c.Facts(t.Context(), g)
	diags = append(diags, g.Seal(facts)...)
	seen, more := c.Observe(t.Context(), g)
	if diags = append(diags, more...); diags.HasErrors() {
		t.Fatal(diags)
	}
	return planner.Diff(g, seen, planner.DiffOptions{Account: account})
}

// The roles that are printed allow all that a changed distribution leads to, its removal from the configuration included.
func TestRolesAllowAChangedDistribution(t *testing.T) {
	t.Parallel()
	_, server, _ := connect(t)
	r := &recorder{next: server, ours: map[string]bool{}}
	c, err := aws.New(t.Context(), aws.Config{Region: region, Endpoint: "http://aws.invalid", KeyID: "x", SecretKey: "x", HTTP: &http.Client{Transport: inside{r}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, distribution := range []string{"regions = [\"eu-west-1\"]\nlaunch_permission {\nuser_groups = [\"all\"]\n}", "regions = [\"eu-west-1\"]\nlaunch_permission {\nuser_ids = [\"111122223333\"]\n}", ""} {
		files := distributedImage(distribution, "")
		roles := permissions.Of(compile(t, files), permissions.Place{Region: region, Account: account})
		for _, role := range []string{"plan", "build"} {
			p := plan(t, c, files)
			if role == "build" {
				if got := carryOut(t.Context(), p, c.Driver(swift(strconv.Itoa(i)))); got.err != nil {
					t.Fatal(got.err)
				}
			}
			at := slices.IndexFunc(roles, func(r permissions.Role) bool { return r.Name == role })
			asked := r.take()
			if role == "build" && i > 0 && !slices.ContainsFunc(asked, func(a iampolicy.Request) bool { return a.Action == "ec2:ModifyImageAttribute" }) {
				t.Errorf("%d: nothing was changed: %v", i, asked)
			}
			for _, a := range asked {
				if !allows(t, roles[at].Documents(), a) {
					t.Errorf("%d: the %s role does not allow %s on %s with %v", i, role, a.Action, a.Resource, a.Context)
				}
			}
		}
	}
}

// A permission that somebody gave by hand stays where no distribution speaks of permissions, and goes where one does;
// what the distribution gave goes from the snapshots too.
func TestPermissionsGivenByHand(t *testing.T) {
	t.Parallel()
	c, _, _ := connect(t)
	launch := func(ids string) map[string]string {
		return distributedImage("regions = [\"eu-west-1\"]\nlaunch_permission {\nuser_ids = ["+ids+"]\n}", "")
	}
	first := carryOut(t.Context(), plan(t, c, launch(`"111122223333"`)), c.Driver(swift("1")))
	if first.err != nil {
		t.Fatal(first.err)
	}
	image := fmt.Sprint(first.finished["image.web"].Outputs["ami"])
	snapshot := "snap-" + strings.TrimPrefix(image, "ami-")
	ask(t, c, "ec2:ModifyImageAttribute", `{"ImageId":"`+image+`","LaunchPermission":{"Add":[{"UserId":"777788889999"}]}}`)
	ask(t, c, "ec2:ModifySnapshotAttribute", `{"SnapshotId":"`+snapshot+`","Attribute":"createVolumePermission","CreateVolumePermission":{"Add":[{"UserId":"111122223333"}]}}`)
	for _, step := range []struct {
		files      map[string]string
		has, lacks string
	}{
		{distributedImage(`regions = ["eu-west-1"]`, ""), "777788889999", "111122223333"},
		{launch(`"222233334444"`), "222233334444", "777788889999"},
	} {
		if r := carryOut(t.Context(), plan(t, c, step.files), c.Driver(swift("2"))); r.err != nil {
			t.Fatal(r.err)
		}
		if got := shares(t, c, image); !strings.Contains(got, step.has) || strings.Contains(got, step.lacks) {
			t.Errorf("shared with %s, want %s and not %s", got, step.has, step.lacks)
		}
	}
	if got := ask(t, c, "ec2:DescribeSnapshotAttribute", `{"SnapshotId":"`+snapshot+`","Attribute":"createVolumePermission"}`); strings.Contains(got, "111122223333") {
		t.Errorf("the snapshot is still shared: %s", got)
	}
}
