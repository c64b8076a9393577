package component

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"mvdan.cc/sh/v3/syntax"
)

// A ScriptProblem is where bash would stop reading a script.
type ScriptProblem struct {
	Command int    // index of the command it stands in
	Line    int    // line of that command, from 0
	Text    string // what is wrong, in the words of the shell's grammar
}

// BashProblem looks for a syntax error in the commands of one ExecuteBash step, which are the lines of
// one script. It returns nil where there is none, also where an error lies behind an exit, which bash
// never reads. Expressions of the document language count as words.
func BashProblem(commands []string) *ScriptProblem {
	text := scriptText(commands)
	if plainCommands(text) {
		return nil
	}
	bad, wrong := errors.AsType[syntax.ParseError](parseBash(text))
	if !wrong {
		return nil
	}
	line := int(bad.Pos.Line()) - 1
	if leavesBefore(text, line) {
		return nil
	}
	return problemAt(commands, line, bad.Text)
}

func parseBash(text string) error {
	_, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	return err
}

// leavesBefore says whether a statement of the script's top level ends it before a line: bash reads
// line by line, and some scripts carry data behind their end.
func leavesBefore(text string, line int) bool {
	at, tried := 0, 0
	for l := range strings.Lines(text) {
		if line--; line < 0 || tried > 8 {
			return false
		}
		at += len(l)
		first, _, _ := strings.Cut(strings.TrimSpace(l), " ")
		if first != "exit" && first != "exec" {
			continue
		}
		tried++
		file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text[:at]), "")
		if err == nil && len(file.Stmts) > 0 && leaves(file.Stmts[len(file.Stmts)-1]) {
			return true
		}
	}
	return false
}

// scriptText is the script that commands make, each expression replaced by a word of its length.
func scriptText(commands []string) string {
	var b strings.Builder
	for _, c := range commands {
		at := 0
		for _, e := range expressions(c) {
			if e.kind == unknownExpr {
				continue
			}
			b.WriteString(c[at:e.start])
			b.WriteString(strings.Repeat("x", e.end-e.start))
			at = e.end
		}
		b.WriteString(c[at:])
		b.WriteByte('\n')
	}
	return b.String()
}

// plainCommands says that a script is nothing but words, in which no syntax error can be. Most
// scripts are, and a plan reads thousands.
func plainCommands(text string) bool {
	for _, c := range []byte(text) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte(" \n\t-_./:=,+@%", c) < 0:
			return false
		}
	}
	for word := range strings.FieldsSeq(text) {
		switch word {
		case "if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "in", "select", "function", "time", "coproc":
			return false
		}
	}
	return true
}

// leaves says whether a statement of the script's top level ends it.
func leaves(s *syntax.Stmt) bool {
	call, ok := s.Cmd.(*syntax.CallExpr)
	if !ok || s.Background || len(call.Args) == 0 {
		return false
	}
	name := call.Args[0].Lit()
	return name == "exit" || name == "exec" && len(call.Args) > 1
}

// problemAt finds the command and its line that a line of the script is.
func problemAt(commands []string, line int, text string) *ScriptProblem {
	for i, c := range commands {
		n := strings.Count(c, "\n") + 1
		if line < n {
			return &ScriptProblem{Command: i, Line: line, Text: text}
		}
		line -= n
	}
	last := max(0, len(commands)-1)
	return &ScriptProblem{Command: last, Line: 0, Text: text}
}

// CheckScripts looks for syntax errors in the document's bash. src is the text that it was read from,
// by which findings point at the line; nil where it was built in Go.
func (d *Document) CheckScripts(src []byte) hcl.Diagnostics {
	var diags hcl.Diagnostics
	place := &scriptPlaces{text: src, file: d.File}
	d.scripts(func(phase string, s *Step, operation int, commands []string) {
		p := BashProblem(commands)
		if p == nil {
			return
		}
		at := place.of(s, operation, p.Command, p.Line)
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Bash syntax error", Subject: &at,
			Detail: fmt.Sprintf("Bash cannot read the script of step '%s' in phase '%s': %s. The step would fail.", s.Name, phase, p.Text),
		})
	})
	return diags
}

// scripts visits the commands of every step that runs bash.
func (d *Document) scripts(visit func(phase string, s *Step, operation int, commands []string)) {
	for i := range d.Phases {
		for j := range d.Phases[i].Steps {
			s := &d.Phases[i].Steps[j]
			if s.Action != "ExecuteBash" {
				continue
			}
			for k, in := range s.Inputs {
				visit(d.Phases[i].Name, s, k, in.list("commands"))
			}
		}
	}
}

// scriptPlaces find where a line of a command was written.
type scriptPlaces struct {
	text []byte
	file string
	src  *source
}

// of is the source line of a command's line: exact in a literal block, whose lines stand in the
// source as they are, and the start of the command elsewhere.
func (p *scriptPlaces) of(s *Step, operation, command, line int) hcl.Range {
	at := s.At("inputs[" + strconv.Itoa(operation) + "].commands[" + strconv.Itoa(command) + "]")
	if at.Start.Byte >= len(p.text) || p.text[at.Start.Byte] != '|' {
		return at
	}
	if p.src == nil {
		p.src = newSource(p.text, p.file)
	}
	n := at.Start.Line + line // the block's text starts in the line below, and lines count from 0
	if n >= len(p.src.lines) {
		return at
	}
	from, to := p.src.lines[n], len(p.text)
	if n+1 < len(p.src.lines) {
		to = p.src.lines[n+1]
	}
	raw := p.text[from:to]
	indent := len(raw) - len(bytes.TrimLeft(raw, " \t"))
	if end := len(bytes.TrimRight(raw, " \t\r\n")); end > indent {
		return p.src.span(from+indent, from+end)
	}
	return at
}
