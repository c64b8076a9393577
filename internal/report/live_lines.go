package report

import (
	"fmt"
	"strings"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// lines are what an event says where nothing is redrawn; none where it is not worth a line.
func (l *Live) lines(it *Item, e executor.Event, moved bool) []string {
	title := Neutral(it.Title())
	switch e := e.(type) {
	case executor.Started:
		if it.Image && e.Verb != planner.None && e.Verb != planner.Later {
			return []string{title + ": " + (&Item{Verb: e.Verb}).doing()}
		}
	case executor.Progressed:
		if moved {
			return []string{title + ": " + it.doing()}
		}
	case executor.Log:
		var out []string
		for _, line := range Lines(e.Line) {
			out = append(out, strings.TrimRight(l.paint(title+" |", cyan)+" "+line, " "))
		}
		return out
	case executor.Retried:
		return []string{fmt.Sprintf("%s: attempt %d failed, the next is in %s: %s", title, e.Attempt, short(e.Wait), firstLine(e.Err))}
	case executor.Finished:
		return l.finishedLines(it, title)
	}
	return nil
}

func (l *Live) finishedLines(it *Item, title string) []string {
	if it.Status == executor.Unchanged && !it.Image {
		return nil
	}
	s := title + ": " + it.Outcome()
	if d := it.Took(); d > 0 {
		word := " in "
		if it.Status != executor.Applied {
			word = " after "
		}
		s += word + short(d)
	}
	switch {
	case it.why() != "":
		s += ": " + it.why()
	case it.Err != nil:
		s += ": " + firstLine(it.Err)
	}
	if amis := it.AMIs(); len(amis) > 0 {
		s += ": " + amiList(amis)
	}
	return []string{l.paint(s, statusShade(it.Status))}
}

// firstLine is the first line of an error's text: the whole of it is in the summary of the run.
func firstLine(err error) string { return Lines(errorText(err))[0] }
