package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// counts says how much came out how, images before all else: "2 built, 1 reused, 3 more resources created".
func (d *Document) counts() string {
	switch {
	case d.Outcome == Mistaken || len(d.Resources) == 0 && len(d.Checks) == 0:
		return d.findingCounts()
	case len(d.Checks) > 0:
		return d.checkCounts()
	case d.notCompared():
		return notCompared + ": " + d.planCounts()
	case !d.ran():
		return d.planCounts()
	}
	var images, others []string
	for i := range d.Resources {
		r := &d.Resources[i]
		switch {
		case r.Image:
			images = append(images, cmp.Or(r.Outcome, d.unfinished(r)))
		case r.Status == executor.Failed, r.Status == executor.Applied:
			others = append(others, cmp.Or(r.Outcome, string(r.Status)))
		}
	}
	return together(tally(images), tally(others))
}

// notCompared comes before anything that a plan says which was made without AWS.
const notCompared = "not compared with AWS"

// notCompared says of a plan that what it calls new may exist already.
func (d *Document) notCompared() bool {
	return d.Offline && d.Outcome != Mistaken && len(d.Resources) > 0 && !d.ran()
}

// offlineSentence says it to people.
func (d *Document) offlineSentence() string {
	s := "This plan was made without AWS"
	if d.Region != "" {
		s += " for " + d.Region
	}
	return s + ": whatever exists already is counted as new."
}

// together joins what is counted of images with what is counted of all else.
func together(images, others []string) string {
	switch s := strings.Join(images, ", "); {
	case len(others) == 0:
		return s
	case s == "":
		return "resources " + strings.Join(others, ", ")
	default:
		return s + "; other resources " + strings.Join(others, ", ")
	}
}

// unfinished says of what has no outcome yet whether it has begun.
func (d *Document) unfinished(r *Resource) string {
	switch {
	case d.Outcome != Running:
		return "not finished"
	case r.Started.IsZero():
		return "waiting"
	}
	return "under way"
}

// ran says whether a document tells of something that was carried out.
func (d *Document) ran() bool {
	if d.Outcome == Running {
		return true
	}
	if k := &d.counted; k.resources != len(d.Resources) { // every row asks
		k.resources = len(d.Resources)
		k.ran = slices.ContainsFunc(d.Resources, func(r Resource) bool { return r.Status != "" })
	}
	return d.counted.ran
}

// tally counts equal words: failures first, then in the order of the words.
func tally(words []string) []string {
	n := map[string]int{}
	var order []string
	for _, w := range words {
		w = strings.ReplaceAll(w, ", ", " ")
		if n[w]++; n[w] == 1 {
			order = append(order, w)
		}
	}
	slices.SortFunc(order, func(a, b string) int {
		return cmp.Or(boolInt(strings.HasSuffix(b, "failed"))-boolInt(strings.HasSuffix(a, "failed")), cmp.Compare(a, b))
	})
	for i, w := range order {
		order[i] = fmt.Sprintf("%d %s", n[w], w)
	}
	return order
}

// verbWords are what a plan says of its resources, in its order; of images and of the others.
func verbWords() []struct {
	verb           planner.Verb
	image, another string
} {
	return []struct {
		verb           planner.Verb
		image, another string
	}{
		{planner.Create, "to build", "to create"},
		{planner.Update, "to distribute", "to update"},
		{planner.Delete, "to delete", "to delete"},
		{planner.Wait, "being built already", "being made already"},
		{planner.Later, "left to the merge", "left to the merge"},
		{planner.None, "reused", "unchanged"},
	}
}

func (d *Document) planCounts() string {
	images, others := make(map[planner.Verb]int), make(map[planner.Verb]int)
	for i := range d.Resources {
		if r := &d.Resources[i]; r.Image {
			images[r.Verb]++
		} else {
			others[r.Verb]++
		}
	}
	var built, made []string
	for _, w := range verbWords() {
		if n := images[w.verb]; n > 0 {
			built = append(built, fmt.Sprintf("%s %s", count(n, "image"), w.image))
		}
		if n := others[w.verb]; n > 0 && w.verb != planner.None {
			made = append(made, fmt.Sprintf("%d %s", n, w.another))
		}
	}
	return cmp.Or(together(built, made), "nothing to do")
}

func (d *Document) findingCounts() string {
	n := make(map[Severity]int)
	for _, f := range d.Findings {
		n[f.Severity]++
	}
	var parts []string
	for _, w := range []struct {
		severity Severity
		noun     string
	}{{Error, "mistake"}, {Warning, "warning"}, {Notice, "notice"}} {
		if n[w.severity] > 0 {
			parts = append(parts, count(n[w.severity], w.noun))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing to complain of")
}

func (d *Document) checkCounts() string {
	n := make(map[CheckOutcome]int)
	for _, c := range d.Checks {
		n[c.Outcome]++
	}
	var parts []string
	for _, w := range []struct {
		outcome CheckOutcome
		says    string
	}{{CheckFailed, "failed"}, {CheckWarning, "to think about"}, {CheckPassed, "passed"}, {CheckSkipped, "not asked"}} {
		if n[w.outcome] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[w.outcome], w.says))
		}
	}
	return strings.Join(parts, ", ")
}

// toDo counts the resources that a plan does something about.
func (d *Document) toDo() int {
	n := 0
	for i := range d.Resources {
		switch d.Resources[i].Verb {
		case planner.Create, planner.Update, planner.Delete, planner.Wait:
			n++
		case planner.None, planner.Later:
		}
	}
	return n
}
