package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// mark is an outcome as one character.
func (d *Document) mark() string {
	switch {
	case d.Outcome == Failed, d.Outcome == Mistaken:
		return "❌"
	case d.Outcome == Interrupted:
		return "🛑"
	case d.Outcome == Running:
		return "⏳"
	case d.Command == "plan" && d.toDo() > 0:
		return "📋"
	}
	return "✅"
}

// next says what happens next, or what the reader is to do.
func (d *Document) next() string {
	switch d.Outcome {
	case Mistaken:
		return "Mend what is listed below and push again: nothing was begun."
	case Running:
		return d.progress()
	case Interrupted:
		if d.Command == "test" {
			return "Run it again. Nothing was built."
		}
		return "Run it again: what was made is reused, and images still being made are waited for."
	case Failed:
		return d.nextAfterFailure()
	case Succeeded:
	}
	switch {
	case len(d.Checks) > 0:
		return "A build can begin."
	case d.Command == "test":
		return "Nothing was built: only a build proves what only AWS can prove."
	case len(d.Resources) == 0:
		return "Nothing is wrong with it as far as can be known without AWS."
	case d.ran():
		return d.nextAfterRun()
	}
	return d.nextAfterPlan()
}

func (d *Document) nextAfterFailure() string {
	if len(d.Checks) > 0 {
		return "Do what the hints below say before a build costs money."
	}
	where := "what is shown below"
	for i := range d.Resources {
		if f := d.Resources[i].Failure; f != nil && f.Place != nil {
			where = fmt.Sprintf("%s:%d", f.Place.File, f.Place.Line)
			break
		}
	}
	if d.Command == "test" {
		return "Mend " + where + " and push again. Nothing was built."
	}
	return "Mend " + where + " and push again: what was made is reused, and only what failed or waited for it is tried again."
}

func (d *Document) nextAfterRun() string {
	pr := d.PullRequest
	made := slices.ContainsFunc(d.Resources, func(r Resource) bool { return r.Status == executor.Applied })
	switch {
	case pr != nil:
		return "Merging builds nothing anew: it finds these images, distributes them and moves the pointers. " + pr.limits(d.Region)
	case !made:
		return "Nothing was to be done: everything was there already."
	}
	return "The images can be used, under the ids below."
}

func (d *Document) nextAfterPlan() string {
	switch {
	case d.toDo() == 0:
		return "Nothing is to be done: everything is there already."
	case d.PullRequest != nil:
		return "A build makes this for the pull request. " + d.PullRequest.limits(d.Region) + " Merging finds what it built, distributes it and moves the pointers."
	case d.Offline:
		return "A build does this, less what it finds on AWS."
	}
	return "A build does this; what is there already is reused."
}

// limits says what a pull request does not do, and how long what it made stays.
func (p *PullRequest) limits(region string) string {
	s := fmt.Sprintf("Pull request %d moves no pointer and distributes nowhere beyond %s.", p.Number, cmp.Or(region, "the region it builds in"))
	if p.KeptSeconds > 0 {
		s += fmt.Sprintf(" What it makes is kept for %s after its last build.", period(seconds(p.KeptSeconds)))
	}
	return s
}

// period is a long duration in days, or in hours where it is no whole number of days.
func period(d time.Duration) string {
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return count(int(d/day), "day")
	}
	return count(int(d.Hours()), "hour")
}

// progress says how far a run has come, and when it may be over.
func (d *Document) progress() string {
	done := 0
	for i := range d.Resources {
		if d.Resources[i].Status != "" {
			done++
		}
	}
	s := fmt.Sprintf("Under way for %s: %d of %s done", short(d.Ended.Sub(d.Started)), done, count(len(d.Resources), "resource"))
	left, unknown := d.left()
	if left > 0 {
		s += ", about " + ticking(left.Round(time.Second)) + " to go as earlier builds went"
	}
	if unknown > 0 {
		s += fmt.Sprintf(" (not counted: %s with no earlier build)", count(unknown, "image"))
	}
	return s + "."
}

// left is how long the longest chain of what is not finished still takes if it takes as long as
// before, and how many images have no earlier build.
func (d *Document) left() (longest time.Duration, unknown int) {
	ends := make(map[string]time.Duration, len(d.Resources))
	for i := range d.Resources {
		r := &d.Resources[i]
		if r.Status != "" {
			continue
		}
		var begin time.Duration
		for _, a := range r.Needs {
			begin = max(begin, ends[a])
		}
		rest := seconds(r.EstimateSeconds)
		if rest == 0 && r.Image {
			unknown++
		}
		if !r.Started.IsZero() {
			rest = max(0, rest-d.Ended.Sub(r.Started))
		}
		ends[r.Address] = begin + rest
		longest = max(longest, ends[r.Address])
	}
	return longest, unknown
}

// took is how long work on a resource took; of one under way in d, so far.
func (d *Document) took(r *Resource) time.Duration {
	switch {
	case r.Started.IsZero() || r.Verb == planner.None || r.Verb == planner.Later:
		return 0
	case r.Ended.IsZero():
		return max(0, d.Ended.Sub(r.Started))
	}
	return max(0, r.Ended.Sub(r.Started))
}

// did says what is done with a resource, or what became of it.
func (d *Document) did(r *Resource) string {
	switch {
	case r.Outcome != "":
		return r.Outcome
	case d.Outcome == Running && !r.Started.IsZero():
		return cmp.Or(r.State, "under way")
	case d.ran():
		return "waiting"
	}
	for _, w := range verbWords() {
		switch {
		case w.verb != r.Verb:
		case r.Image:
			return strings.TrimPrefix(w.image, "to ")
		default:
			return strings.TrimPrefix(w.another, "to ")
		}
	}
	return string(r.Verb)
}

// reason is why: of a failure what failed, of what was given up why, otherwise why the verb.
func (d *Document) reason(r *Resource) string {
	switch {
	case r.Failure != nil && r.Failure.Step != "":
		return fmt.Sprintf("step %q of phase %q: %s", r.Failure.Step, r.Failure.Phase, cmp.Or(r.Failure.ExitStatus, r.Failure.Message))
	case r.Failure != nil:
		return cmp.Or(r.Failure.Message, r.Failure.Summary)
	case r.Why != "":
		return r.Why
	case d.Outcome == Running && r.Status == "" && r.Step != "":
		return "now in step " + r.Step
	}
	return cmp.Or(r.Remark, r.Reason)
}

// title is what a document is about.
func (d *Document) title() string {
	return strings.TrimSpace("imagebuild " + d.Command)
}
