package session

import (
	"encoding/xml"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
)

// clixmlHead begins what PowerShell writes to its standard error when that is no console: objects as
// XML (MS-PSRP 2.2.5) instead of text.
const clixmlHead = "#< CLIXML"

// A clixmlFilter turns CLIXML back into the lines a person would have seen. Progress records are
// dropped. What is no CLIXML passes as it is.
type clixmlFilter struct {
	to     io.Writer
	inside bool
	doc    strings.Builder
	line   []byte
}

// maxCLIXML bounds one document; a longer one is passed on as it is.
const maxCLIXML = 8 << 20

// Write implements io.Writer.
func (f *clixmlFilter) Write(p []byte) (int, error) {
	for _, c := range p {
		f.line = append(f.line, c)
		if c == '\n' || f.inside && strings.HasSuffix(string(f.line), "</Objs>") {
			if err := f.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

// flush deals with one line, or with the end of a document.
func (f *clixmlFilter) flush() error {
	line := string(f.line)
	f.line = f.line[:0]
	if strings.HasPrefix(strings.TrimLeft(line, "\ufeff"), clixmlHead) {
		f.inside = true
		f.doc.Reset()
		return nil
	}
	if !f.inside {
		_, err := io.WriteString(f.to, line)
		return err
	}
	f.doc.WriteString(line)
	if !strings.HasSuffix(line, "</Objs>") && f.doc.Len() < maxCLIXML {
		return nil
	}
	f.inside = false
	text := f.doc.String()
	f.doc.Reset()
	if out, ok := parseCLIXML(text); ok {
		text = out
	}
	_, err := io.WriteString(f.to, text)
	return err
}

// end passes on what is left, a document that broke off included.
func (f *clixmlFilter) end() error {
	text := f.doc.String() + string(f.line)
	f.doc.Reset()
	f.line, f.inside = nil, false
	if text == "" {
		return nil
	}
	_, err := io.WriteString(f.to, text)
	return err
}

// parseCLIXML returns the strings of a document's error, warning, verbose, debug and information streams. ok is
// false where it is no CLIXML.
func parseCLIXML(doc string) (text string, ok bool) {
	var objs struct {
		Strings []struct {
			Stream string `xml:"S,attr"`
			Text   string `xml:",chardata"`
		} `xml:"S"`
	}
	if err := xml.Unmarshal([]byte(doc), &objs); err != nil {
		return "", false
	}
	var b strings.Builder
	for _, s := range objs.Strings {
		b.WriteString(unescapeCLIXML(s.Text))
	}
	out := b.String()
	if out != "" && !strings.HasSuffix(out, "\n") {
		out += "\n"
	}
	return out, true
}

var clixmlEscapes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:_x[0-9A-Fa-f]{4}_)+`) })

// unescapeCLIXML undoes _xHHHH_, which stands for a UTF-16 unit.
func unescapeCLIXML(s string) string {
	return clixmlEscapes().ReplaceAllStringFunc(s, func(run string) string {
		var units []uint16
		for i := 0; i < len(run); i += len("_x0000_") {
			n, err := strconv.ParseUint(run[i+2:i+6], 16, 16)
			if err != nil {
				return run // the pattern allows hex digits alone
			}
			units = append(units, uint16(n))
		}
		return string(utf16.Decode(units))
	})
}
