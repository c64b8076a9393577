package github

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/org/imagebuild-action/internal/neutral"
)

// Level is how grave an annotation is.
type Level string

// The levels of the Checks API; the runner calls a failure an error.
const (
	Notice  Level = "notice"
	Warning Level = "warning"
	Failure Level = "failure"
)

func (l Level) command() string {
	switch l {
	case Failure:
		return "error"
	case Warning:
		return "warning"
	case Notice:
	}
	return "notice"
}

// Annotation is a finding at a place of the repository.
type Annotation struct {
	Level Level
	// Path is relative to the root of the repository, with slashes (see Environment.RepositoryPath); empty
	// is no place.
	Path string
	// Line and Column count from 1; 0 is not known. EndLine is Line where it is 0. Columns count only when both
	// lines are the same.
	Line, EndLine, Column, EndColumn int
	Title, Message                   string
}

// The runner cuts a message at 4096 characters; the Checks API takes titles of 255.
const (
	messageLimit = 4096
	titleLimit   = 255
)

// settled is the annotation by the runner's rules, which would otherwise drop more than is wrong: an end without
// a start is the start, an end before the start goes, columns go where lines differ, and text is harmless.
func (a Annotation) settled() Annotation {
	a.Line, a.EndLine, a.Column, a.EndColumn = max(a.Line, 0), max(a.EndLine, 0), max(a.Column, 0), max(a.EndColumn, 0)
	if a.Line == 0 {
		a.Line = a.EndLine
	}
	if a.EndLine < a.Line {
		a.EndLine = a.Line
	}
	if a.Path == "" {
		a.Line, a.EndLine = 0, 0
	}
	if a.Line == 0 || a.Line != a.EndLine {
		a.Column, a.EndColumn = 0, 0
	}
	if a.Column == 0 || a.EndColumn < a.Column {
		a.EndColumn = 0
	}
	a.Path, a.Title = neutral.Line(a.Path), cut(neutral.Line(a.Title), titleLimit)
	a.Message = cut(joined(a.Message), messageLimit)
	if a.Message == "" {
		a.Message = a.Title
	}
	return a
}

// RepositoryPath returns a file's path relative to the root of the repository, as annotations need it, and
// false for a file that stands outside of it. A relative name is taken from dir, which is taken from the workspace.
func (e *Environment) RepositoryPath(dir, file string) (string, bool) {
	root := e.Workspace
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	rel, err := filepath.Rel(root, file)
	if err != nil || root == "" {
		return "", false
	}
	rel = path.Clean(filepath.ToSlash(rel))
	return rel, rel != ".." && !strings.HasPrefix(rel, "../")
}
