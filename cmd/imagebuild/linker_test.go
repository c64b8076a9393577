package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNoTemplateIsExecuted: a program that executes a template keeps every method of every type, which doubles its
// size with the SDK in it (docs/architecture.md). cobra executes one as soon as one of its own is replaced.
func TestNoTemplateIsExecuted(t *testing.T) {
	executes := regexp.MustCompile(`"(text|html)/template"|\.Set(Version|Usage|Help)Template\(`)
	top := filepath.Dir(examplesDir(t))
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != top {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if found := executes.Find(source); found != nil {
			t.Errorf("%s has %s", path, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
