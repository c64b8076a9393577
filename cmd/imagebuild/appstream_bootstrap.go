package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor/session"
	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/internal/permissions"
	"github.com/org/imagebuild-action/planner"
)

// streamBootstrapCommand writes what machines need to be worked in through a bucket. It asks nobody.
func (p *program) streamBootstrapCommand() *cobra.Command {
	var b session.Bootstrap
	var x permissions.Exchange
	var machines, platform, out string
	c := &cobra.Command{
		Use: "bootstrap", Short: "Write the script and the policies that the communicator s3 needs",
		Long: "bootstrap writes the script that a base image runs so that its machines take their work from a bucket, and the least\n" +
			"that the machines' role, the role that runs imagebuild, and all others may do with that bucket.",
		Example: "  imagebuild appstream bootstrap --bucket imagebuild-sessions --region eu-west-1 --account 123456789012 --out bootstrap",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			b.Windows = platform == "windows"
			if b.Region, err = p.regionOrProfiles(c.Context(), configurationFlags{region: b.Region}, &dsl.Config{}); err != nil {
				return err
			}
			if x.Place.Region, x.Bucket, x.Prefix, x.Key = b.Region, b.Bucket, b.Prefix, b.Key; machines != "" {
				x.Machines = []string{machines}
			}
			if err := checkBootstrap(x); err != nil {
				return err
			}
			return p.writeBootstrap(b, x, out)
		},
	}
	f := c.Flags()
	f.StringVar(&b.Bucket, "bucket", "", "the `bucket` that jobs and results lie in")
	f.StringVar(&b.Prefix, "prefix", "", "what the keys begin with")
	f.StringVar(&b.Region, "region", "", "the `region` of the machines (default: AWS_REGION, AWS_DEFAULT_REGION, then the profile's)")
	f.StringVar(&x.Place.Account, "account", "", "the `account` of the machines, 12 digits")
	f.StringVar(&b.Key, "key", "ssm:/imagebuild/job-key", "where the key of the jobs is kept: ssm:/path or secretsmanager:NAME#member")
	f.StringVar(&machines, "machine-role", "", "the `ARN` of the machines' role")
	f.StringVar(&x.Runner, "runner-role", "", "the `ARN` of the role that runs imagebuild")
	platform = "windows"
	choose(c, &platform, "platform", "the system of the machines", "windows", "linux")
	f.StringVar(&out, "out", "", "write the files to this `directory` instead of standard output")
	return c
}

// checkBootstrap refuses what would make a script or a policy that means something else.
func checkBootstrap(x permissions.Exchange) error {
	switch {
	case !regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`).MatchString(x.Bucket):
		return mistake("say --bucket NAME", "%q is no name of a bucket", x.Bucket)
	case !regexp.MustCompile(`^[A-Za-z0-9/_.-]*$`).MatchString(x.Prefix):
		return mistake("use letters, digits, / _ . -", "%q is no prefix of keys", x.Prefix)
	case x.Place.Region == "":
		return mistake("say --region eu-west-1", "no region is named")
	case !regexp.MustCompile(`^[0-9]{12}$`).MatchString(x.Place.Account):
		return mistake("say --account 123456789012", "%q is no account", x.Place.Account)
	case !planner.StoredSecret(x.Key):
		return mistake("say --key ssm:/imagebuild/job-key", "%q does not say where the key is kept", x.Key)
	}
	return nil
}

// writeBootstrap writes the script and the policies.
func (p *program) writeBootstrap(b session.Bootstrap, x permissions.Exchange, out string) error {
	files := []struct{ name, text string }{
		{b.ScriptName(), b.Script()},
	}
	for _, policy := range []struct {
		name     string
		document iampolicy.Document
	}{{"machine-role.json", x.MachinePolicy()}, {"runner-role.json", x.RunnerPolicy()}, {"bucket.json", permissions.BucketPolicy(x)}} {
		raw, err := json.MarshalIndent(policy.document, "", "  ")
		if err != nil {
			return &exit{status: statusFailed, err: fmt.Errorf("writing %s: %w", policy.name, err)}
		}
		files = append(files, struct{ name, text string }{policy.name, string(raw) + "\n"})
	}
	for _, f := range files {
		if out == "" {
			fmt.Fprintf(p.stdout, "-- %s --\n%s", f.name, f.text)
			continue
		}
		dir := out
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(p.cwd, dir)
		}
		err := os.MkdirAll(dir, 0o755) //nolint:gosec // what is written there is no secret
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f.name), []byte(f.text), 0o644) //nolint:gosec // the same
		}
		if err != nil {
			return &exit{status: statusFailed, err: fmt.Errorf("writing %s: %w", f.name, err)}
		}
		fmt.Fprintf(p.stderr, "%s\n", filepath.Join(out, f.name))
	}
	return nil
}
