package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor/aws"
)

// assumedRegion is what a plan without AWS, and the sandbox, take when nobody names a region. Nothing is ever built there
// for that reason.
const assumedRegion = "us-east-1"

// regionOf is the region to build in, by the first that names one: the flag, the environment, the configuration's
// settings, its sources where they agree. "" where none does.
func (p *program) regionOf(f configurationFlags, cfg *dsl.Config) string {
	if f.region != "" {
		return f.region
	}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if r, ok := p.lookupEnv(name); ok && r != "" {
			return r
		}
	}
	if cfg.Settings.Region != "" {
		return cfg.Settings.Region
	}
	if named := sourceRegions(cfg); len(named) == 1 {
		return named[0]
	}
	return ""
}

// sourceRegions are the regions that sources name, each once.
func sourceRegions(cfg *dsl.Config) []string {
	var out []string
	for _, b := range cfg.Blocks {
		if !strings.HasPrefix(b.Addr.Type, "source.") || b.Body == nil {
			continue
		}
		if region, _ := b.Body.Attrs["region"].V.(string); region != "" && !slices.Contains(out, region) {
			out = append(out, region)
		}
	}
	slices.Sort(out)
	return out
}

// regionOrProfiles is regionOf, or else the region of the AWS profile; "" where that names none either.
func (p *program) regionOrProfiles(ctx context.Context, f configurationFlags, cfg *dsl.Config) (string, error) {
	if r := p.regionOf(f, cfg); r != "" {
		return r, nil
	}
	r, err := aws.ProfileRegion(ctx)
	if err != nil {
		return "", &exit{status: statusMistake, err: err, hint: "mend the AWS configuration, or pass --region"}
	}
	return r, nil
}

// settleRegion decides the region. Where none is named, what calls AWS ends here; all else assumes one, and says so.
func (g *planning) settleRegion(ctx context.Context) error {
	calls := g.callsAWS || !g.tgt.wanted() && !g.offline
	region, err := g.p.regionOrProfiles(ctx, g.conf, g.cfg)
	if err != nil && calls { // nothing else minds a profile that can't be read
		return err
	}
	g.region = region
	switch {
	case region != "":
		return nil
	case calls && (g.callsAWS || g.must || g.p.expectsAWS):
		return noRegion(g.cfg)
	}
	g.region, g.assumed = assumedRegion, true
	g.cfg.Settings.RegionAssumed = true
	if g.command != "validate" && g.command != "test" { // which show nothing that a region decides
		fmt.Fprintf(g.p.stderr, "No region is set; assuming %s. Set one with --region, AWS_REGION or imagebuild { region = \"…\" }.\n", assumedRegion)
	}
	return nil
}

// noRegion ends what would call AWS in a region that nobody asked for.
func noRegion(cfg *dsl.Config) error {
	why := "no region is set"
	if named := sourceRegions(cfg); len(named) > 1 {
		why = "no region is set, and the sources name several: " + strings.Join(named, ", ")
	}
	return mistake("pass --region (in a workflow aws-region), set AWS_REGION, write imagebuild { region = \"eu-west-1\" }, or set the region of your AWS profile", "%s", why)
}
