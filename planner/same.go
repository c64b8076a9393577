package planner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Same compares the plan with a saved document of an earlier one and says, a sentence each, in
// what they differ; nothing when carrying out this plan is carrying out that one. Where blocks
// stand in the files, and why a verb was chosen, makes no difference.
func (p *Plan) Same(saved []byte) (differences []string) { return Compare(saved, p.JSON()) }

// Compare is Plan.Same for two documents. Both must have been written with the same values covered,
// if any: what is covered is still compared, by its digest.
func Compare(saved, now []byte) (differences []string) {
	was, err := ParsePlan(saved)
	if err != nil {
		return []string{fmt.Sprintf("the saved plan cannot be read: %v", err)}
	}
	is, err := ParsePlan(now)
	if err != nil {
		return []string{fmt.Sprintf("the new plan cannot be read: %v", err)}
	}
	say := func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }
	if was.Region != is.Region {
		say("region was %q and is %q", was.Region, is.Region)
	}
	if w, i := deref(was.Account), deref(is.Account); w != i {
		say("account was %s and is %s", w, i)
	}
	if w, i := was.PullRequest.String(), is.PullRequest.String(); w != i {
		say("the plan was of %s and is of %s", w, i)
	}
	before := make(map[string]DocumentChange, len(was.Changes))
	for _, c := range was.Changes {
		before[c.Address] = c
	}
	for _, c := range is.Changes {
		old, ok := before[c.Address]
		if !ok {
			say("%s is new", c.Address)
			continue
		}
		delete(before, c.Address)
		differences = append(differences, compareChanges(old, c)...)
	}
	for _, a := range sortedKeys(before) {
		say("%s is gone", a)
	}
	if len(differences) == 0 && was.ConfigDigest != is.ConfigDigest {
		say("the configuration differs: its digest was %s and is %s", was.ConfigDigest, is.ConfigDigest)
	}
	return differences
}

func compareChanges(was, is DocumentChange) (out []string) {
	say := func(what, w, i string) {
		out = append(out, fmt.Sprintf("%s: %s was %s and is %s", was.Address, what, w, i))
	}
	if was.Kind != is.Kind {
		say("kind", was.Kind, is.Kind)
	}
	if was.Verb != is.Verb {
		say("verb", string(was.Verb), string(is.Verb))
	}
	if w, i := was.Retag.String(), is.Retag.String(); w != i {
		say("tags", w, i)
	}
	before, after := inputOf(was), inputOf(is)
	members := slices.Concat(sortedKeys(before), sortedKeys(after))
	slices.Sort(members)
	for _, m := range slices.Compact(members) {
		if m == "tags" && deref(was.Digest) != deref(is.Digest) {
			continue // the digest is among the tags, and is named below
		}
		if !bytes.Equal(before[m], after[m]) {
			w, i := short(before[m], after[m])
			say(m, w, i)
		}
	}
	if !bytes.Equal(was.Work, is.Work) {
		w, i := short(was.Work, is.Work)
		say("work", w, i)
	}
	if w, i := deref(was.Digest), deref(is.Digest); w != i && (len(out) == 0 || was.Call == nil || is.Call == nil) {
		say("digest", w, i)
	}
	if !slices.Equal(was.Needs, is.Needs) {
		say("needs", "["+strings.Join(was.Needs, ", ")+"]", "["+strings.Join(is.Needs, ", ")+"]")
	}
	return out
}

// String is the pull request as a sentence can hold it.
func (p *DocumentPullRequest) String() string {
	if p == nil {
		return "no pull request"
	}
	return fmt.Sprintf("pull request %s#%d, kept for %s", p.Repository, p.Number, p.ExpiresAfter)
}

// String is the change of tags as a sentence can hold it.
func (r *DocumentRetag) String() string {
	if r == nil {
		return "left alone"
	}
	return "changed: +[" + strings.Join(sortedKeys(r.Add), ", ") + "] -[" + strings.Join(r.Remove, ", ") + "]"
}

func inputOf(c DocumentChange) map[string]json.RawMessage {
	if c.Call == nil {
		return nil
	}
	return c.Call.Input
}

// short is two values as a sentence can hold them: of long ones the part where they begin to differ.
func short(was, is json.RawMessage) (before, after string) {
	w, i := []rune(string(was)), []rune(string(is))
	same := 0
	for same < len(w) && same < len(i) && w[same] == i[same] {
		same++
	}
	return excerpt(w, same), excerpt(i, same)
}

// excerpt is a value as a sentence can hold it, with what is at a position of it. No value has no characters.
func excerpt(value []rune, at int) string {
	const longest, ahead = 120, 30
	if len(value) == 0 {
		return "not set"
	}
	if len(value) <= longest {
		return string(value)
	}
	from := max(0, min(at-ahead, len(value)-longest))
	out := string(value[from:min(from+longest, len(value))])
	if from > 0 {
		out = "…" + out
	}
	if from+longest < len(value) {
		out += "…"
	}
	return out
}

func deref(s *string) string {
	if s == nil {
		return "not known"
	}
	return *s
}
