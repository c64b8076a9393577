package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// DocumentsText writes documents for a terminal: for each its title and what happens next, what
// is wrong, what failed and where, then one line for each image.
func DocumentsText(w io.Writer, docs []*Document, o TextOptions) error {
	b := &strings.Builder{}
	for i, d := range docs {
		if i > 0 {
			b.WriteString("\n")
		}
		t := &documentText{b: b, d: d, o: o}
		t.write()
	}
	if len(docs) > 1 {
		b.WriteString("\n" + o.paint(Neutral(legCounts(docs)), bold) + "\n")
	}
	return write(w, b)
}

type documentText struct {
	b *strings.Builder
	d *Document
	o TextOptions
}

func (t *documentText) line(format string, args ...any) { fmt.Fprintf(t.b, format+"\n", args...) }

func (t *documentText) write() {
	d := t.d
	name := strings.TrimSpace(strings.Join([]string{d.title(), d.Path, d.Leg}, " "))
	t.line("%s %s: %s", d.mark(), t.o.paint(Neutral(name), bold), Neutral(d.counts()))
	for _, s := range append([]string{d.next()}, d.estimates()...) {
		t.wrapped("", s)
	}
	t.findings()
	for _, c := range d.Checks {
		t.check(c)
	}
	t.failures()
	t.table()
}

// list writes what is found of n things, each as draw does: what says the same once, and no more than fits.
func (t *documentText) list(same []fold, severity func(i int) Severity, draw func(part *documentText, f fold)) {
	l := findingList{o: t.o}
	for _, f := range same {
		l.add(severity(f.first()), len(f.members), func() string {
			part := &documentText{b: &strings.Builder{}, d: t.d, o: t.o}
			draw(part, f)
			return part.b.String()
		})
	}
	l.write(t.b)
}

func (t *documentText) findings() {
	same := unfolded(len(t.d.Findings))
	if !t.o.All {
		same = t.d.findingFolds()
	}
	t.list(same, func(i int) Severity { return t.d.Findings[i].Severity }, func(part *documentText, same fold) {
		f := &t.d.Findings[same.first()]
		word, tint := "Warning", yellow
		if f.Severity == Error {
			word, tint = "Error", red
		}
		part.problem(t.o.paint(word, tint)+": "+Neutral(f.Summary), f.Place, f.Quote)
		for _, l := range Lines(f.Detail) {
			part.wrapped("", l)
		}
		part.also(same.also(alsoAt, t.d.findingPlace))
	})
}

func (t *documentText) failures() {
	same := t.d.failureFolds()
	if t.o.All {
		var each []fold
		for i := range t.d.Resources {
			if t.d.Resources[i].Failure != nil {
				each = append(each, fold{members: []int{i}})
			}
		}
		same = each
	}
	t.list(same, func(int) Severity { return Error }, func(part *documentText, same fold) {
		r := &t.d.Resources[same.first()]
		f := r.Failure
		part.problem(t.o.paint("Error", red)+": "+Neutral(f.Summary), f.Place, f.Quote)
		for _, l := range Lines(f.text(r.Address)) {
			part.wrapped("", l)
		}
		if f.FullLog != "" {
			part.wrapped("", f.FullLog)
		}
		part.also(same.also(alsoFor, t.d.resourceName))
	})
}

// also says where else a finding holds.
func (t *documentText) also(says string) {
	if says != "" {
		t.line("")
		t.wrapped("", says)
	}
}

// wrapped writes foreign text, broken to the terminal's width.
func (t *documentText) wrapped(indent, s string) {
	for _, l := range wrap(Neutral(s), t.o.Width-len(indent)) {
		t.line("%s%s", indent, l)
	}
}

// problem is the head of a finding or a failure, with carets under what it is about where that is one line.
func (t *documentText) problem(title string, p *Place, quote []string) {
	t.line("\n%s\n", title)
	if p == nil {
		return
	}
	t.line("  on %s line %d:", Neutral(p.File), p.Line)
	for i, l := range quote[:min(len(quote), maxQuoted)] {
		number := fmt.Sprintf("%4d: ", p.Line+i)
		t.line("%s%s", number, Neutral(l))
		if p.EndLine <= p.Line && p.Column > 0 && p.EndColumn > p.Column {
			before := cutRunes(l, p.Column-1)
			t.line("%s%s", strings.Repeat(" ", len(number)+columns(Neutral(before))), t.o.paint(strings.Repeat("^", min(p.EndColumn-p.Column, 200)), red))
		}
	}
	t.line("")
}

// cutRunes is the first n characters of s.
func cutRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func (t *documentText) check(c Check) {
	word, tint := "ok", green
	switch c.Outcome {
	case CheckFailed:
		word, tint = "failed", red
	case CheckWarning:
		word, tint = "warning", yellow
	case CheckSkipped:
		word, tint = "not asked", faint
	case CheckPassed:
	}
	const column = len("  not asked  ")
	for i, l := range wrap(Neutral(strings.TrimSuffix(c.Name+": "+c.Detail, ": ")), t.o.Width-column) {
		begin := strings.Repeat(" ", column)
		if i == 0 {
			begin = "  " + t.o.paint(pad(word, column-4), tint) + "  "
		}
		t.line("%s%s", begin, l)
	}
	if c.Hint != "" {
		t.wrapped(strings.Repeat(" ", column), c.Hint)
	}
}

func (t *documentText) table() {
	rows := t.d.shown()
	if len(rows) == 0 {
		return
	}
	titles, did := make([]string, len(rows)), 0
	for i, r := range rows {
		titles[i], did = Neutral(r.Title), max(did, columns(Neutral(t.d.did(r))))
	}
	title := nameColumn(titles...)
	t.line("")
	for i, r := range rows {
		line := inColumn(titles[i], title) + "  " + t.o.paint(pad(Neutral(t.d.did(r)), min(did, maxAddrColumn)), cmp.Or(statusShade(r.Status), verbShade(r.Verb)))
		if d := t.d.took(r); d > 0 {
			line += "  " + short(d)
		}
		var ids []string
		for _, id := range r.IDs {
			ids = append(ids, Neutral(strings.TrimSpace(id.ID+" "+id.Region)))
		}
		line += "  " + cmp.Or(strings.Join(ids, ", "), t.o.paint(Neutral(t.d.reason(r)), faint))
		t.line("  %s", strings.TrimRight(line, " "))
	}
}
