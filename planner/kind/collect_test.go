package kind_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

const (
	arnPrefix = "arn:aws:imagebuilder:eu-west-1:123456789012:"
	mine      = "imagebuild:pull-request:org/repo:1"
	theirs    = "imagebuild:pull-request:org/repo:2"
)

// held is one resource: "image/web/1.2.3/1", its tags, and what it uses.
func held(day int, resource string, tags []string, uses ...string) *planner.Held {
	kinds := map[string]string{
		"component": "component", "distribution-configuration": "distribution_configuration", "image-recipe": "image_recipe", "image": "image", "infrastructure-configuration": "infrastructure_configuration",
	}
	typ, _, _ := strings.Cut(resource, "/")
	h := &planner.Held{
		Kind: kind.All()[kinds[typ]], ARN: arnPrefix + resource, Tags: map[string]string{planner.TagAddress: "x", planner.TagProject: "shop"},
		Created: time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC),
	}
	if typ == "image" {
		h.State = "AVAILABLE"
	}
	for _, t := range tags {
		k, v, ok := strings.Cut(t, "=")
		if !ok {
			v = "org/repo/pull/" + t[len(t)-1:]
		}
		h.Tags[k] = v
	}
	for _, u := range uses {
		if !strings.HasPrefix(u, "ami-") {
			u = arnPrefix + u
		}
		h.Uses = append(h.Uses, u)
	}
	return h
}

// outcome is what becomes of what is selected, in the plan's order: "-image/a/1.0.0/1".
func outcome(p *planner.Plan) string {
	var out []string
	for _, c := range p.Changes {
		sign := "="
		if c.Verb == planner.Delete {
			sign = "-"
		}
		if c.Verb == planner.Update {
			sign = "~"
		}
		out = append(out, sign+c.Addr.Name)
	}
	return strings.Join(out, " ")
}

func TestCollect(t *testing.T) {
	closed := planner.CollectOptions{PullRequest: &planner.PullRequest{Repository: "org/repo", Number: 1}}
	pr, both := []string{mine}, []string{mine, theirs}
	chain := func(tags []string) []*planner.Held {
		image := held(4, "image/web/1.0.0/1", tags)
		image.AMIs = []planner.AMI{{Region: "eu-west-1", ID: "ami-1"}}
		return []*planner.Held{
			held(1, "component/web/1.0.0/1", tags), held(3, "image-recipe/web/1.0.0", tags, "component/web/1.0.0/1"), image,
			held(2, "infrastructure-configuration/web-1", tags),
		}
	}
	const all = "-ami-1 -web/1.0.0/1 -web/1.0.0 -web/1.0.0/1 -web-1"
	for name, c := range map[string]struct {
		options planner.CollectOptions
		held    []*planner.Held
		users   []planner.User
		want    string
	}{
		"nothing is there":                       {closed, nil, nil, ""},
		"in the order of use":                    {closed, chain(pr), nil, all},
		"of nobody's pull request":               {closed, chain(nil), nil, ""},
		"of another pull request":                {closed, chain([]string{theirs}), nil, ""},
		"of two pull requests":                   {closed, chain(both), nil, "~web/1.0.0/1 ~web-1 ~web/1.0.0 ~web/1.0.0/1"},
		"a pipeline uses the recipe":             {closed, chain(pr), []planner.User{{Name: "pipeline", Uses: []string{arnPrefix + "image-recipe/web/1.0.0"}}}, "=web/1.0.0/1 -web-1 =web/1.0.0 -ami-1 -web/1.0.0/1"},
		"a parameter names the AMI":              {closed, chain(pr), []planner.User{{Name: "parameter", Uses: []string{"ami-1"}}}, "=web/1.0.0/1 -web-1 =web/1.0.0 =web/1.0.0/1"},
		"another's recipe starts from the image": {closed, append(chain(pr), held(9, "image-recipe/app/1.0.0", nil, "image/web/1.0.0/1")), nil, "=web/1.0.0/1 -web-1 =web/1.0.0 =web/1.0.0/1"},
		"its own child goes first": {
			closed, append(chain(pr), held(9, "image-recipe/app/1.0.0", pr, "image/web/1.0.0"), held(9, "image/app/1.0.0/1", pr)), nil,
			"-app/1.0.0/1 -app/1.0.0 " + all,
		},
		"a wildcard that something else answers to": {closed, append(chain(pr), held(9, "image/web/1.0.1/1", nil), held(9, "image-recipe/app/1.0.0", nil, "image/web/x.x.x")), nil, all},
		"a wildcard that nothing else answers to":   {closed, append(chain(pr), held(9, "image-recipe/app/1.0.0", nil, "image/web/1.x.x")), nil, "=web/1.0.0/1 -web-1 =web/1.0.0 =web/1.0.0/1"},
		"an AMI that another record has too": {closed, append(chain(pr), func() *planner.Held {
			h := held(9, "image/web/1.0.0/2", nil)
			h.AMIs = []planner.AMI{{Region: "eu-west-1", ID: "ami-1"}}
			return h
		}()), nil, "=web/1.0.0/1 -web-1 =web/1.0.0 -web/1.0.0/1"},
		"what has expired": {planner.CollectOptions{Expired: true}, []*planner.Held{
			held(1, "component/a/1.0.0/1", []string{"imagebuild:expires=2026-01-31T00:00:00Z"}), held(1, "component/b/1.0.0/1", []string{"imagebuild:expires=2026-02-02T00:00:00Z"}),
			held(1, "component/c/1.0.0/1", []string{"imagebuild:expires=soon"}), held(1, "component/d/1.0.0/1", nil),
		}, nil, "-a/1.0.0/1"},
		"another project": {planner.CollectOptions{Expired: true, Project: "web"}, []*planner.Held{held(1, "component/a/1.0.0/1", []string{"imagebuild:expires=2026-01-31T00:00:00Z"})}, nil, ""},
		"the newest stay": {planner.CollectOptions{Project: "shop", Keep: 1}, []*planner.Held{
			held(1, "image/web/1.0.0/1", nil), held(2, "image/web/1.0.1/1", nil), held(3, "image/web/1.0.1/2", nil), held(4, "image/app/1.0.0/1", nil),
			held(1, "image-recipe/web/1.0.0", nil), held(2, "image-recipe/web/1.0.1", nil), held(9, "image/web/1.0.2/1", pr),
		}, nil, "-web/1.0.0/1 -web/1.0.0 =web/1.0.1 =web/1.0.1/1 =web/1.0.1/2 =app/1.0.0/1"},
	} {
		t.Run(name, func(t *testing.T) {
			c.options.AMI, c.options.Now = kind.AMI(), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
			stock := &planner.Stock{Region: "eu-west-1", Account: "123456789012", Held: c.held, Users: c.users}
			p := planner.Collect(stock, c.options)
			if got := outcome(p); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
			done := map[string]bool{}
			for _, ch := range p.Changes {
				for _, a := range ch.Needs {
					if !done[a.String()] {
						t.Errorf("%v comes before %v, which it needs", ch.Addr, a)
					}
				}
				done[ch.Addr.String()] = true
				if ch.Verb != planner.Delete && !strings.HasPrefix(ch.Reason, "stays: ") {
					t.Errorf("%v: %s", ch.Addr, ch.Reason)
				}
			}
			if again := planner.Collect(stock, c.options); !bytes.Equal(again.JSON(), p.JSON()) {
				t.Error("the same stock gives another plan")
			}
		})
	}
}

// Retention takes what a later distribution of the same image stands in for, and copies in regions that were dropped, unless
// something points to them.
func TestCollectWhatDistributionsLeft(t *testing.T) {
	const conf = arnPrefix + "distribution-configuration/web-1"
	byConf := []string{"imagebuild:distribution=" + conf}
	image := func(build string, tags []string, amis ...string) *planner.Held {
		h := held(3, "image/web/1.0.0/"+build, tags)
		for _, a := range amis {
			where, id, _ := strings.Cut(a, "/")
			h.AMIs = append(h.AMIs, planner.AMI{Region: where, ID: id})
		}
		return h
	}
	from := func(build string, tags ...string) []string {
		return append([]string{"imagebuild:source-image=" + arnPrefix + "image/web/1.0.0/" + build}, tags...)
	}
	pointsTo := func(ami string) []planner.User { return []planner.User{{Name: "parameter /x", Uses: []string{ami}}} }
	for name, c := range map[string]struct {
		held  []*planner.Held
		users []planner.User
		want  string
	}{
		"a region dropped":                {[]*planner.Held{image("1", byConf, "eu-west-1/ami-1", "eu-central-1/ami-2", "us-east-1/ami-3")}, nil, "=web/1.0.0/1 -ami-3"},
		"a region dropped, but used":      {[]*planner.Held{image("1", byConf, "eu-west-1/ami-1", "us-east-1/ami-3")}, pointsTo("ami-3"), "=web/1.0.0/1 =ami-3"},
		"a recipe starts from the copy":   {[]*planner.Held{image("1", byConf, "eu-west-1/ami-1", "us-east-1/ami-3"), held(9, "image-recipe/app/1.0.0", []string{"imagebuild:project=other"}, "ami-3")}, nil, "=web/1.0.0/1 =ami-3"},
		"no distribution any more":        {[]*planner.Held{image("1", []string{"imagebuild:distribution=local"}, "eu-west-1/ami-1", "eu-central-1/ami-2")}, nil, "=web/1.0.0/1 -ami-2"},
		"left to the merge":               {[]*planner.Held{image("1", []string{"imagebuild:distribution=none"}, "eu-west-1/ami-1", "eu-central-1/ami-2")}, nil, "=web/1.0.0/1"},
		"older than the tag":              {[]*planner.Held{image("1", nil, "eu-west-1/ami-1", "us-east-1/ami-3")}, nil, "=web/1.0.0/1"},
		"an unknown configuration":        {[]*planner.Held{image("1", []string{"imagebuild:distribution=arn:x"}, "eu-west-1/ami-1", "us-east-1/ami-3")}, nil, "=web/1.0.0/1"},
		"superseded":                      {[]*planner.Held{image("1", byConf, "eu-west-1/ami-1"), image("2", from("1", byConf...), "eu-west-1/ami-4")}, nil, "-ami-1 -web/1.0.0/1 =web/1.0.0/2"},
		"superseded twice":                {[]*planner.Held{image("1", byConf, "eu-west-1/ami-1"), image("2", from("1", byConf...), "eu-west-1/ami-4"), image("3", from("2", byConf...), "eu-west-1/ami-5")}, nil, "-ami-1 -web/1.0.0/1 -ami-4 -web/1.0.0/2 =web/1.0.0/3"},
		"superseded, but used":            {[]*planner.Held{image("1", byConf, "eu-west-1/ami-1"), image("2", from("1", byConf...), "eu-west-1/ami-4")}, pointsTo("ami-1"), "=web/1.0.0/1 =web/1.0.0/2"},
		"its AMI is of use":               {[]*planner.Held{image("1", byConf, "eu-west-1/ami-1"), image("2", from("1", byConf...), "eu-central-1/ami-4")}, nil, "=web/1.0.0/1 =web/1.0.0/2"},
		"superseded by way of another":    {[]*planner.Held{image("1", byConf, "eu-west-1/ami-1"), image("2", from("1", byConf...), "eu-central-1/ami-4"), image("3", from("2", byConf...), "eu-west-1/ami-5", "eu-central-1/ami-6")}, nil, "-ami-1 -web/1.0.0/1 -ami-4 -web/1.0.0/2 =web/1.0.0/3"},
		"superseded in a dropped region":  {[]*planner.Held{image("1", byConf, "eu-west-1/ami-1", "us-east-1/ami-3"), image("2", from("1", byConf...), "eu-west-1/ami-4")}, nil, "-ami-1 -ami-3 -web/1.0.0/1 =web/1.0.0/2"},
		"the record shares the dropped":   {[]*planner.Held{image("1", byConf, "eu-west-1/ami-1", "us-east-1/ami-3"), image("2", from("1", byConf...), "eu-west-1/ami-4", "us-east-1/ami-3")}, nil, "-ami-1 -ami-3 -web/1.0.0/1 =web/1.0.0/2"},
		"built again is not superseded":   {[]*planner.Held{image("1", byConf, "eu-west-1/ami-1"), image("2", byConf, "eu-west-1/ami-4")}, nil, "=web/1.0.0/1 =web/1.0.0/2"},
		"what the tag refers to is held":  {[]*planner.Held{held(1, "distribution-configuration/web-1", nil), held(1, "distribution-configuration/web-0", nil), func() *planner.Held { h := image("1", byConf, "eu-west-1/ami-1"); h.Uses = []string{conf}; return h }()}, nil, "-web-0 =web-1 =web/1.0.0/1"},
		"a source of another image":       {[]*planner.Held{image("1", byConf, "eu-west-1/ami-1"), held(3, "image/other/1.0.0/2", from("1"))}, nil, "=other/1.0.0/2 =web/1.0.0/1"},
		"a distribution that didn't come": {[]*planner.Held{image("1", byConf, "eu-west-1/ami-1"), func() *planner.Held { h := image("2", from("1", byConf...)); h.State = "FAILED"; return h }()}, nil, "=web/1.0.0/1 -web/1.0.0/2"},
	} {
		t.Run(name, func(t *testing.T) {
			options := planner.CollectOptions{Project: "shop", Keep: 1, AMI: kind.AMI(), Now: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}
			stock := &planner.Stock{
				Region: "eu-west-1", Account: "123456789012", Held: c.held, Users: c.users,
				Distributions: map[string][]string{conf: {"eu-west-1", "eu-central-1"}},
			}
			p := planner.Collect(stock, options)
			if got := outcome(p); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
			for _, ch := range p.Changes {
				if region := ch.Region; ch.Addr.Name == "ami-3" && (!strings.Contains(ch.Reason, "no longer has") || region != "us-east-1") && !strings.Contains(ch.Reason, "of image web/1.0.0/1, with") {
					t.Errorf("%v in %s: %s", ch.Addr, region, ch.Reason)
				}
			}
		})
	}
}
