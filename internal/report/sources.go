package report

import (
	"bytes"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/internal/neutral"
)

// sources are the files that findings quote, each split into lines once however many findings quote it.
type sources struct {
	files map[string]*hcl.File
	known map[string]*source
}

func newSources(files map[string]*hcl.File) *sources {
	return &sources{files: files, known: map[string]*source{}}
}

// of returns the file of that name, nil where its text isn't known.
func (s *sources) of(name string) *source {
	if known, ok := s.known[name]; ok {
		return known
	}
	f := s.files[name]
	if f == nil || f.Bytes == nil {
		return nil
	}
	src := &source{text: f.Bytes, starts: []int{0}}
	for i := 0; i < len(f.Bytes); i++ {
		next := bytes.IndexByte(f.Bytes[i:], '\n')
		if next < 0 {
			break
		}
		i += next
		src.starts = append(src.starts, i+1)
	}
	s.known[name] = src
	return src
}

// block says in which block of the file a range begins, as its header is written, and what the block is
// called; both are "" where that isn't known.
func (s *sources) block(at *hcl.Range) (header, name string) {
	if at == nil || s.files[at.Filename] == nil {
		return "", ""
	}
	nav := s.files[at.Filename].Nav
	if n, ok := nav.(interface{ ContextString(offset int) string }); ok {
		header = n.ContextString(at.Start.Byte)
	}
	if n, ok := nav.(interface{ BlockName(offset int) string }); ok {
		name = n.BlockName(at.Start.Byte)
	}
	return header, name
}

// A source is the text of a file and where its lines start.
type source struct {
	text   []byte
	starts []int
}

// lineOf is the index of the line that holds a byte, from 0.
func (s *source) lineOf(offset int) int {
	return max(0, sort.SearchInts(s.starts, offset+1)-1)
}

// line returns where a line begins and ends in the text, without what ends it.
func (s *source) line(i int) (from, to int) {
	from, to = s.starts[i], len(s.text)
	if i+1 < len(s.starts) {
		to = s.starts[i+1] - 1
	}
	if to > from && s.text[to-1] == '\r' {
		to--
	}
	return from, to
}

// lines returns up to n lines from the one at index i on.
func (s *source) lines(i, n int) []string {
	var out []string
	for ; i >= 0 && i < len(s.starts) && n > 0; i, n = i+1, n-1 {
		from, to := s.line(i)
		out = append(out, string(s.text[from:to]))
	}
	return out
}

// harmless replaces every character of a line that acts on a terminal by as many question marks as it
// has bytes, so that positions stay.
func harmless(line []byte) string {
	var b strings.Builder
	b.Grow(len(line))
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		if r != '\t' && (neutral.Hidden(r) || unicode.Is(unicode.Cc, r)) {
			b.WriteString(strings.Repeat("?", n))
		} else {
			b.Write(line[i : i+n])
		}
		i += n
	}
	return b.String()
}
