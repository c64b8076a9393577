package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/org/imagebuild-action/planner"
)

// hostedJob is how long a job on a runner of GitHub's may take.
// https://docs.github.com/en/actions/reference/limits
const hostedJob = 6 * time.Hour

// documentEstimate is what the plan takes; nil where it makes no image and nothing is known.
func (v *view) documentEstimate() *Estimate {
	longest, unknown := v.estimate()
	e := &Estimate{Seconds: longest.Seconds(), Unknown: unknown}
	stored := map[string]int{}
	for _, c := range v.plan.Changes {
		if !isImage(c.Node) || c.Verb != planner.Create {
			continue
		}
		e.Builds = append(e.Builds, BuildMachine{Image: shortAddr(c.Addr), Types: v.instanceTypes(c.Node), Hours: c.Estimate.Hours()})
		for _, region := range v.goesTo(c) {
			stored[region]++
		}
	}
	for region, n := range stored {
		e.Images = append(e.Images, RegionCount{region, n})
	}
	slices.SortFunc(e.Images, func(a, b RegionCount) int { return cmp.Compare(a.Region, b.Region) })
	if longest == 0 && len(e.Builds) == 0 {
		return nil
	}
	return e
}

// instanceTypes are those its infrastructure configuration allows.
func (v *view) instanceTypes(n *planner.Node) []string {
	var out []string
	for _, a := range n.Needs {
		c := v.changes[a]
		if c == nil {
			continue
		}
		for _, t := range asList(c.Input["instanceTypes"]) {
			if s, ok := t.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// estimates say in words what carrying out a plan takes, without prices: which apply is AWS's to know.
// What was carried out tells better.
func (d *Document) estimates() []string {
	e := d.Estimate
	if e == nil || d.ran() {
		return nil
	}
	var out []string
	if e.Seconds > 0 {
		s := "About " + short(seconds(e.Seconds).Round(time.Second)) + ", as long as earlier builds took"
		if e.Unknown > 0 {
			s += "; not counted: " + count(e.Unknown, "image") + " with no earlier build"
		}
		out = append(out, s+".")
		if e.Seconds > hostedJob.Seconds() {
			out = append(out, "A job on GitHub's own runners ends after "+count(int(hostedJob.Hours()), "hour")+": a run elsewhere, or one that is split (imagebuild matrix), sees the end of it.")
		}
	}
	if len(e.Builds) > 0 {
		out = append(out, e.machines())
	}
	if len(e.Images) > 0 {
		var parts []string
		for _, r := range e.Images {
			parts = append(parts, fmt.Sprintf("%d in %s", r.Count, r.Region))
		}
		out = append(out, "Images stored: "+strings.Join(parts, ", ")+".")
	}
	return out
}

// machines says how many instances run for how long, by the types allowed.
func (e *Estimate) machines() string {
	type use struct {
		n, unknown int
		hours      float64
	}
	uses, order := map[string]*use{}, []string(nil)
	for _, b := range e.Builds {
		types := cmp.Or(strings.Join(b.Types, " or "), "of a type that AWS chooses")
		u := uses[types]
		if u == nil {
			u = &use{}
			uses[types], order = u, append(order, types)
		}
		u.n++
		u.hours += b.Hours
		if b.Hours == 0 {
			u.unknown++
		}
	}
	var parts []string
	for _, types := range order {
		u := uses[types]
		s := fmt.Sprintf("%s %s", count(u.n, "instance"), types)
		switch {
		case u.unknown == u.n:
			s += " (hours not known)"
		case u.unknown > 0:
			s += fmt.Sprintf(" (%.1f hours, and %d for a time not known)", u.hours, u.unknown)
		default:
			s += fmt.Sprintf(" (%.1f hours)", u.hours)
		}
		parts = append(parts, s)
	}
	return "Builds run on " + strings.Join(parts, ", ") + "."
}

func seconds(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }
