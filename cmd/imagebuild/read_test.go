package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// boundless are the functions that may read a file whole without a bound of their own, and why that is safe.
var boundless = map[string]string{ //nolint:gochecknoglobals // a table, never written
	"dsl/files.go readRegular":            "its size is asked for first",
	"dsl/functions_file.go read":          "its size is asked for first",
	"cmd/imagebuild/door.go ReadFile":     "hands on what the readers above ask for",
	"cmd/imagebuild/init.go writeStarter": "the program's own starters",
	"cmd/imagebuild/test_staging.go put":  "an archive that this program packed",
	"cmd/imagebuild/worker.go place":      "a pipe of this program's own",

	"internal/component/cgroup_linux.go controllers":     "a file of the kernel's",
	"internal/component/cgroup_linux.go ownGroups":       "a file of the kernel's",
	"internal/component/init_linux.go agentInit":         "a pipe of this program's own",
	"internal/component/mask_linux.go homes":             "the machine's own configuration",
	"internal/component/mask_linux.go maskPasswords":     "the machine's own configuration",
	"internal/component/mirrors_linux.go packageSources": "the machine's own configuration",
	"internal/component/root_linux.go resolvConf":        "the machine's own configuration",
	"internal/ociroot/cache.go remembered":               "the cache's own",
	"internal/sandbox/guest.go load":                     "the sandbox's own",
	"internal/sandbox/guest_tls.go certificate":          "the sandbox's own",
	"internal/sandbox/s3_multipart.go loadUpload":        "the sandbox's own",
	"internal/sandbox/s3_store.go load":                  "the sandbox's own",
	"internal/sandbox/standin_root.go recall":            "the sandbox's own",
}

// Whoever reads a file or a stream whole says how much that may be.
func TestReadersAreBounded(t *testing.T) {
	root := filepath.Join("..", "..")
	used := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !readsWhole(f) {
				continue
			}
			place := filepath.ToSlash(rel) + " " + f.Name.Name
			if used[place] = true; boundless[place] == "" {
				t.Errorf("%s reads something whole without a bound: use readFile, io.LimitReader or http.MaxBytesReader, or say in boundless why not", place)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for place := range boundless {
		if !used[place] {
			t.Errorf("boundless names %s, which reads nothing without a bound", place)
		}
	}
}

// readsWhole reports a call that reads to the end of what has no bound.
func readsWhole(f *ast.FuncDecl) (found bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch callee(call.Fun) {
		case "os.ReadFile", "fs.ReadFile":
			found = true
		case "io.ReadAll":
			inner, ok := call.Args[0].(*ast.CallExpr)
			if !ok {
				found = true
				break
			}
			switch callee(inner.Fun) {
			case "io.LimitReader", "http.MaxBytesReader", "io.NewSectionReader":
			default:
				found = true
			}
		default:
			if s, ok := call.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "ReadFrom" && len(call.Args) == 1 {
				found = true
			}
		}
		return true
	})
	return found
}

// callee is a function as it is written: package.Name.
func callee(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok {
			return x.Name + "." + s.Sel.Name
		}
	}
	return ""
}
