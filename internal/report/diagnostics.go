package report

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/mitchellh/go-wordwrap"
)

const (
	// maxQuoted is how many lines of a configuration a diagnostic may quote: a script or a document
	// that is wrong as a whole may have thousands.
	maxQuoted = 8
	// maxQuotedLine is how many characters of one line are quoted, and quotedBefore how many of those
	// stand before what the diagnostic is about.
	maxQuotedLine = 400
	quotedBefore  = 100
	// maxFindingLines is how many lines of a terminal findings take before the rest is only counted.
	maxFindingLines = 80
	// maxDetailLines is how many lines of them the text of one takes.
	maxDetailLines = 40
)

// Diagnostics writes diagnostics as hcl's own writer does, with a caret under what each is about. Their
// text and the configuration they quote are made harmless for a terminal. What several blocks have
// wrong alike is said once, and what doesn't fit into maxFindingLines is counted, unless o.All.
func Diagnostics(w io.Writer, files map[string]*hcl.File, diags hcl.Diagnostics, o TextOptions) error {
	d := &drawing{sources: newSources(files), diags: diags, o: o}
	group := unfolded(len(diags))
	if !o.All {
		group = diagnosticFolds(d.sources, diags)
	}
	l := findingList{o: o}
	for _, f := range group {
		l.add(severityOf(diags[f.first()]), len(f.members), func() string { return d.draw(f) })
	}
	b := &strings.Builder{}
	l.write(b)
	return write(w, b)
}

func severityOf(d *hcl.Diagnostic) Severity {
	if d.Severity == hcl.DiagError {
		return Error
	}
	return Warning
}

// A findingList is findings for a terminal, in order. Mistakes have precedence where not all fit.
type findingList struct {
	o     TextOptions
	items []listedFinding
}

type listedFinding struct {
	severity Severity
	stands   int // for how many
	draw     func() string
}

func (l *findingList) add(s Severity, stands int, draw func() string) {
	l.items = append(l.items, listedFinding{s, stands, draw})
}

func (l *findingList) write(b *strings.Builder) {
	texts := make([]string, len(l.items))
	left := maxFindingLines
	missing := make(map[Severity]int)
	order := make([]int, len(l.items))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(l.rank(i), l.rank(j)) })
	for n, i := range order {
		if left > 0 || l.o.All || n == 0 {
			texts[i] = l.items[i].draw()
			lines := strings.Count(texts[i], "\n")
			if left -= lines; left >= 0 || l.o.All || n == 0 {
				continue
			}
			texts[i], left = "", 0
		}
		missing[l.items[i].severity] += l.items[i].stands
	}
	for _, t := range texts {
		b.WriteString(t)
	}
	var counts []string
	for _, w := range []struct {
		severity Severity
		noun     string
	}{{Error, "error"}, {Warning, "warning"}, {Notice, "notice"}} {
		if n := missing[w.severity]; n > 0 {
			counts = append(counts, strings.Replace(count(n, w.noun), " ", " more ", 1))
		}
	}
	if len(counts) > 0 {
		b.WriteString(strings.Join(counts, " and ") + ". Show every one with --all.\n\n")
	}
}

func (l *findingList) rank(i int) int {
	if l.items[i].severity == Error {
		return 0
	}
	return 1
}

// A drawing puts diagnostics on a terminal.
type drawing struct {
	sources *sources
	diags   hcl.Diagnostics
	o       TextOptions
}

func (d *drawing) draw(f fold) string {
	diag := d.diags[f.first()]
	word, tint := "Error", red
	if diag.Severity == hcl.DiagWarning {
		word, tint = "Warning", yellow
	}
	b := &strings.Builder{}
	fmt.Fprintf(b, "%s: %s\n\n", d.o.paint(word, tint), Neutral(diag.Summary))
	d.location(b, diag)
	d.values(b, diag)
	if diag.Detail != "" {
		detail := make([]string, 0, 1)
		for _, l := range Lines(d.relocated(cutWords(diag.Detail))) {
			detail = append(detail, wrapped(l, d.o.Width))
		}
		text := strings.Split(strings.Join(detail, "\n"), "\n")
		if more := len(text) - maxDetailLines; more > 0 && !d.o.All {
			text = append(text[:maxDetailLines], fmt.Sprintf("… %s more. Show all of it with --all.", count(more, "line")))
		}
		fmt.Fprintf(b, "%s\n\n", strings.Join(text, "\n"))
	}
	how := alsoAt
	if _, about := diag.Extra.(culprit); about {
		how = alsoFor
	}
	if also := f.also(how, d.place); also != "" {
		if len(f.members) > shownPlaces {
			also += " Show every one with --all."
		}
		fmt.Fprintf(b, "%s\n\n", wrapped(also, d.o.Width))
	}
	return b.String()
}

// longWord is a value without spaces that is too long to be read.
var longWord = regexp.MustCompile(`\S{401,}`)

// maxDetail is how many characters a sentence may have: those of our own are far shorter, values that they name may not be.
const maxDetail = 4000

// cutWords is a text in which values that are longer than anybody reads are cut.
func cutWords(s string) string {
	if len(s) <= maxQuotedLine {
		return s
	}
	return firstOf(longWord.ReplaceAllStringFunc(s, func(w string) string { return firstOf(w, maxQuotedLine-1) }), maxDetail)
}

func wrapped(s string, width int) string {
	if width <= 0 {
		return s
	}
	return wordwrap.WrapString(s, uint(width))
}

// place is what a sentence calls the place of a diagnostic.
func (d *drawing) place(i int) string {
	diag := d.diags[i]
	if about, ok := diag.Extra.(culprit); ok && about.address != "" {
		return Neutral(about.address)
	}
	if !located(diag.Subject) {
		return ""
	}
	return Neutral(d.o.path(diag.Subject.Filename) + ":" + strconv.Itoa(diag.Subject.Start.Line))
}

// located says whether a range leads to a file. That of a directory has its name and no text.
func located(r *hcl.Range) bool {
	return r != nil && r.Filename != "" && r.Filename != "." && r.Start.Line > 0 && r.Start != r.End
}

// location writes where a diagnostic points, and the lines there.
func (d *drawing) location(b *strings.Builder, diag *hcl.Diagnostic) {
	if diag.Subject == nil {
		return
	}
	src := d.sources.of(diag.Subject.Filename)
	if src == nil {
		if located(diag.Subject) {
			fmt.Fprintf(b, "  on %s line %d\n\n", Neutral(d.o.path(diag.Subject.Filename)), diag.Subject.Start.Line)
		}
		return
	}
	in, _ := d.sources.block(diag.Subject)
	if in != "" {
		in = ", in " + Neutral(in)
	}
	fmt.Fprintf(b, "  on %s line %d%s:\n", Neutral(d.o.path(diag.Subject.Filename)), diag.Subject.Start.Line, in)
	about, from, to := quotedRange(src, diag)
	for i := from; i <= to; i++ {
		d.quote(b, src, i, about)
	}
	b.WriteString("\n")
}

// A span is bytes of a text.
type span struct{ from, to int }

// quotedRange says what a diagnostic is about and from which line to which it is quoted: no more than the first line of
// what is longer than maxQuoted.
func quotedRange(src *source, diag *hcl.Diagnostic) (about span, first, last int) {
	end := len(src.text)
	about = span{min(diag.Subject.Start.Byte, end), min(diag.Subject.End.Byte, end)}
	first = src.lineOf(about.from)
	if last = src.lineOf(max(about.from, about.to-1)); last-first >= maxQuoted {
		_, about.to = src.line(first)
		last = first
	}
	if c := diag.Context; c != nil && c.Filename == diag.Subject.Filename && c.End.Line-c.Start.Line < maxQuoted {
		first = min(first, src.lineOf(min(c.Start.Byte, end)))
		last = max(last, src.lineOf(max(0, min(c.End.Byte, end)-1)))
	}
	return about, first, min(last, first+2*maxQuoted)
}

// quote writes one line, with carets below what the diagnostic is about.
func (d *drawing) quote(b *strings.Builder, src *source, i int, about span) {
	from, to := src.line(i)
	begin, end := max(from, min(about.from, to)), min(max(about.to, about.from+1), to)
	here := i == src.lineOf(about.from)
	if begin >= end && !here {
		if from < to {
			fmt.Fprintf(b, "%4d: %s\n", i+1, firstOf(harmless(src.text[from:to]), maxQuotedLine))
		}
		return
	}
	end = max(begin, end)
	before, marked, after := lastOf(harmless(src.text[from:begin]), quotedBefore, maxQuotedLine-(to-begin)), harmless(src.text[begin:end]), harmless(src.text[end:to])
	left := maxQuotedLine - utf8.RuneCountInString(before)
	marked = firstOf(marked, left)
	after = firstOf(after, max(0, left-utf8.RuneCountInString(marked)))
	number := fmt.Sprintf("%4d: ", i+1)
	shown := marked
	if d.o.Color && marked != "" {
		shown = "\x1b[1;4m" + marked + "\x1b[0m"
	}
	fmt.Fprintf(b, "%s%s%s%s\n", number, before, shown, after)
	fmt.Fprintf(b, "%s%s%s\n", strings.Repeat(" ", len(number)), blank(before), d.o.paint(strings.Repeat("^", max(1, columns(marked))), red))
}

// firstOf is the first n characters of s, with an ellipsis where something is missing.
func firstOf(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return cutRunes(s, n) + "…"
}

// lastOf is s, or where that is longer than both few and most its last few characters behind an ellipsis.
func lastOf(s string, few, most int) string {
	n := utf8.RuneCountInString(s)
	if n <= max(few, most) {
		return s
	}
	return "…" + s[len(cutRunes(s, n-few)):]
}

// blank is white space as wide as s.
func blank(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\t' {
			b.WriteByte('\t')
			continue
		}
		b.WriteString(strings.Repeat(" ", runeColumns(r)))
	}
	return b.String()
}

// placeInText finds what may be a place of a file in a sentence.
var placeInText = regexp.MustCompile(`[^\s"'()]+\.(?:hcl|json|ya?ml):\d+`)

// relocated is a sentence in which files that it names with a line are called as the terminal's reader opens them.
func (d *drawing) relocated(s string) string {
	if d.o.Path == nil || !strings.Contains(s, ":") {
		return s
	}
	return placeInText.ReplaceAllStringFunc(s, func(p string) string {
		colon := strings.LastIndexByte(p, ':')
		if d.sources.files[p[:colon]] == nil {
			return p
		}
		return d.o.path(p[:colon]) + p[colon:]
	})
}
