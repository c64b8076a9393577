package report

import (
	"cmp"
	"slices"
)

// Merge orders the documents of several jobs by command, configuration and leg, and leaves out those
// that a later attempt of the same run replaced: a run that is repeated in part keeps the others' documents.
// A document of a run under way is of a job that ended before it could tell how: it was interrupted.
func Merge(docs []*Document) []*Document {
	type leg struct {
		command, path, leg string
		run                int64
	}
	of := func(d *Document) leg { return leg{d.Command, d.Path, d.Leg, d.Source.Run} }
	newest := map[leg]int{}
	for _, d := range docs {
		newest[of(d)] = max(newest[of(d)], d.Source.Attempt)
	}
	var out []*Document
	for _, d := range docs {
		if d.Source.Run != 0 && d.Source.Attempt != newest[of(d)] {
			continue
		}
		if d.Outcome == Running {
			ended := *d
			ended.Outcome = Interrupted
			d = &ended
		}
		out = append(out, d)
	}
	slices.SortStableFunc(out, func(a, b *Document) int {
		return cmp.Or(cmp.Compare(a.Command, b.Command), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Leg, b.Leg), cmp.Compare(a.Source.Run, b.Source.Run))
	})
	return out
}
