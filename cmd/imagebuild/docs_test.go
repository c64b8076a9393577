package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A snippet is one block of HCL in a page.
type snippet struct {
	line int
	text string
}

// fragment says whether the snippet leaves something out: its first line is a comment that begins
// with an ellipsis.
func (s snippet) fragment() bool { return strings.HasPrefix(s.text, "# …") }

// snippets are the blocks of HCL of a page.
func snippets(page string) []snippet {
	var out []snippet
	var open *snippet
	n := 0
	for line := range strings.Lines(page) {
		n++
		switch mark := strings.TrimSpace(line); {
		case open == nil && mark == "```hcl":
			open = &snippet{line: n + 1}
		case open != nil && mark == "```":
			out = append(out, *open)
			open = nil
		case open != nil:
			open.text += line
		}
	}
	return out
}

// TestDocumentationSnippets parses every snippet of HCL in the documentation, and plans those that
// are whole configurations, with the few files that they name beside them.
func TestDocumentationSnippets(t *testing.T) {
	top := filepath.Dir(examplesDir(t))
	pages, err := filepath.Glob(filepath.Join(top, "docs", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	whole := 0
	for _, page := range append(pages, filepath.Join(top, "README.md")) {
		src, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range snippets(string(src)) {
			t.Run(filepath.Base(page)+":"+strconv.Itoa(s.line), func(t *testing.T) {
				if _, diags := hclsyntax.ParseConfig([]byte(s.text), filepath.Base(page), hcl.Pos{Line: s.line, Column: 1}); diags.HasErrors() {
					t.Fatal(diags)
				}
				if !s.fragment() {
					planSnippet(t, s)
				}
			})
			if !s.fragment() {
				whole++
			}
		}
	}
	if whole < 5 {
		t.Errorf("only %d snippets are whole configurations", whole)
	}
}

func planSnippet(t *testing.T, s snippet) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.ib.hcl": s.text, "install.sh": "#!/bin/sh -e\ndnf -y install httpd\n",
		"site/index.html": "<p>Hello</p>\n", "ansible/site.yml": "- hosts: all\n  tasks: []\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	status, _, errs := offline(t, "plan", "--offline", dir)
	if status != statusDone {
		t.Errorf("plan ended with %d:\n%s", status, errs)
	}
	if strings.Contains(errs, "Warning") {
		t.Errorf("the plan warns:\n%s", errs)
	}
}
