package github

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The marks stand on lines of their own. Markdown shows none of them.
const (
	markBegin    = "<!-- imagebuild:"
	markEnd      = " -->"
	markComment  = markBegin + "v1 "
	markSection  = markBegin + "section "
	markEndPart  = markBegin + "end" + markEnd
	shortLimit   = 300
	leftOut      = "\n\n_Left out here, since the whole would be too long for one comment._"
	wholeComment = ""
)

// commentText is a comment of ours as data: what each writer said last.
type commentText struct {
	key     string
	repo    int64
	retired bool
	title   string
	parts   map[string]part
}

// part is what one writer said. The whole comment is the part without a name.
type part struct {
	Order
	Section string `json:"section,omitempty"`
	SHA     string `json:"sha,omitempty"`
	Plan    string `json:"plan,omitempty"`
	Keep    bool   `json:"keep,omitempty"`
	Short   string `json:"short,omitempty"`

	text string
}

// head is the mark on the first line. Of the whole comment it is also the part's own.
type head struct {
	Key     string `json:"key"`
	Repo    int64  `json:"repo_id"`
	Retired bool   `json:"retired,omitempty"`
	part
}

// mark writes v between a prefix and the end of an HTML comment, which nothing in it can end.
func mark(prefix string, v any) (string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return prefix + strings.ReplaceAll(string(raw), "--", `\u002d\u002d`) + markEnd, nil
}

func unmark(line, prefix string, v any) bool {
	s, ok := strings.CutPrefix(line, prefix)
	if !ok {
		return false
	}
	s, ok = strings.CutSuffix(s, markEnd)
	return ok && json.Unmarshal([]byte(s), v) == nil
}

// parseComment reads a comment's body; nil where it is none of ours. GitHub's editor writes CR LF.
func parseComment(body string) *commentText {
	first, rest, _ := strings.Cut(strings.ReplaceAll(body, "\r\n", "\n"), "\n")
	var h head
	if !unmark(first, markComment, &h) || h.Key == "" {
		return nil
	}
	t := &commentText{key: h.Key, repo: h.Repo, retired: h.Retired, parts: map[string]part{}}
	title, sections := beforeSection(rest)
	for sections != "" {
		line, after, _ := strings.Cut(sections, "\n")
		var p part
		if unmark(line, markSection, &p) && p.Section != wholeComment {
			p.text, after, _ = strings.Cut(after, "\n"+markEndPart)
			p.text = unmarked(p.text)
			t.parts[p.Section] = p
		}
		_, sections = beforeSection(after)
	}
	if len(t.parts) == 0 {
		h.Section, h.text = wholeComment, unmarked(rest)
		t.parts[wholeComment] = h.part
		return t
	}
	t.title = unmarked(title)
	return t
}

// beforeSection cuts a text where its first section begins.
func beforeSection(s string) (before, from string) {
	if strings.HasPrefix(s, markSection) {
		return "", s
	}
	i := strings.Index(s, "\n"+markSection)
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

// unmarked makes sure that no text of ours reads as a mark.
func unmarked(s string) string { return strings.ReplaceAll(s, markBegin, "<!- imagebuild:") }

// newest is the newest part.
func (t *commentText) newest() part {
	var out part
	for _, name := range slices.Sorted(maps.Keys(t.parts)) {
		if p := t.parts[name]; out.Order == (Order{}) || p.Compare(out.Order) > 0 {
			out = p
		}
	}
	return out
}

// put takes a part in where it is newer than all that it cannot stand beside, which goes then, and says whether it did.
func (t *commentText) put(p part, newer func(p, than part) bool) bool {
	if t.holds(p, newer) {
		return false
	}
	maps.DeleteFunc(t.parts, func(_ string, q part) bool { return p.rivals(q) })
	t.parts[p.Section] = p
	return true
}

// rivals says whether two parts cannot stand side by side: what one writer says twice, the whole and a section, and what two
// runs say, since a leg of an earlier run may be no leg any more. A part of the run that is done again stays.
func (p part) rivals(q part) bool {
	return p.Section == q.Section || p.Section == wholeComment || q.Section == wholeComment || p.Run != q.Run
}

// holds says whether a part, or what took its place, stands there.
func (t *commentText) holds(p part, newer func(p, than part) bool) bool {
	for _, q := range t.parts {
		if !p.rivals(q) {
			continue
		}
		// A whole comment tells of the sections of its own moment, too.
		wins := newer(p, q) || p.Section == wholeComment && q.Section != wholeComment && !newer(q, p)
		if !wins {
			return true
		}
	}
	return false
}

// errCommentTooLong is a comment of so many sections that even their short forms do not fit.
var errCommentTooLong = errors.New("the sections of the comment do not fit into one; let a last job write the whole with imagebuild report")

// render writes the comment within CommentLimit. fill gives the part named section its text for a budget.
func (t *commentText) render(section string, fill func(budget int) string) (string, error) {
	if p, ok := t.parts[wholeComment]; ok {
		first, err := mark(markComment, head{Key: t.key, Repo: t.repo, Retired: t.retired, part: p})
		if err != nil {
			return "", err
		}
		text := p.text
		if fill != nil && section == wholeComment {
			text = unmarked(fill(CommentLimit - len(first) - 1))
		}
		if len(first)+1+len(text) > CommentLimit {
			return "", fmt.Errorf("the comment has %d bytes, more than %d", len(first)+1+len(text), CommentLimit)
		}
		return first + "\n" + text, nil
	}
	first, err := mark(markComment, head{Key: t.key, Repo: t.repo, Retired: t.retired, part: part{Order: t.newest().Order}})
	if err != nil {
		return "", err
	}
	frame := []string{first, t.title}
	used := len(first) + len(t.title) + 2
	names := slices.Sorted(maps.Keys(t.parts))
	marks := map[string]string{}
	for _, name := range names {
		if marks[name], err = mark(markSection, t.parts[name]); err != nil {
			return "", err
		}
		used += len(marks[name]) + len(markEndPart) + 3
	}
	texts, err := t.fit(CommentLimit-used, section, fill)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		frame = append(frame, marks[name], texts[name], markEndPart)
	}
	return strings.Join(frame, "\n"), nil
}

// fit gives every section its text so that all have room. The writer of one is given what others leave, but at
// least an equal share; of others then the longest are shortened first.
func (t *commentText) fit(room int, section string, fill func(budget int) string) (map[string]string, error) {
	texts, total := map[string]string{}, 0
	for name, p := range t.parts {
		if fill == nil || name != section {
			texts[name] = p.text
			total += len(p.text)
		}
	}
	if _, ok := t.parts[section]; ok && fill != nil {
		budget := max(room-total, room/len(t.parts))
		text := unmarked(fill(budget))
		if len(text) > budget {
			text = unmarked(cut(t.parts[section].Short, shortLimit)) + leftOut
		}
		texts[section] = text
		total += len(text)
	}
	order := slices.SortedFunc(maps.Keys(texts), func(a, b string) int {
		return cmp.Or(len(texts[b])-len(texts[a]), strings.Compare(a, b))
	})
	for pass := range 2 {
		for _, name := range order {
			if total <= room {
				return texts, nil
			}
			// The writer's own section keeps its text as long as others can make room.
			if (name == section && fill != nil) != (pass == 1) {
				continue
			}
			short := unmarked(cut(t.parts[name].Short, shortLimit)) + leftOut
			if len(short) < len(texts[name]) {
				total -= len(texts[name]) - len(short)
				texts[name] = short
			}
		}
	}
	if total > room {
		return nil, errCommentTooLong
	}
	return texts, nil
}
