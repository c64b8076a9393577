package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/dsl"
)

// A formatter rewrites files, or says which it would.
type formatter struct {
	p                          *program
	g                          *planning // that shows what cannot be parsed
	check, diff, recursive     bool
	unformatted, unparsedFiles int
}

func (p *program) fmtCommand() *cobra.Command {
	f := &formatter{p: p, g: &planning{p: p, command: "fmt"}}
	c := &cobra.Command{
		Use: "fmt [PATH|-]...", Short: "Format configuration files",
		Long: "fmt rewrites the configuration and variable files of each PATH (default: this directory) in the usual\n" +
			"form and names those it changed. With - it formats standard input to standard output.",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			var errs []error
			for _, a := range args {
				errs = append(errs, f.format(a))
			}
			return f.status(errors.Join(errs...))
		},
	}
	c.Flags().BoolVar(&f.check, "check", false, "change nothing; end with status 1 when a file isn't formatted")
	c.Flags().BoolVar(&f.diff, "diff", false, "show the changes")
	addAll(c, &f.g.conf.all)
	c.Flags().BoolVar(&f.recursive, "recursive", false, "also format directories below")
	return c
}

// status turns what was found into the program's end.
func (f *formatter) status(err error) error {
	switch {
	case err != nil:
		return &exit{status: statusFailed, err: err}
	case f.unparsedFiles > 0:
		return told(statusMistake)
	case f.check && f.unformatted > 0:
		return told(statusFailed)
	}
	return nil
}

func (f *formatter) format(arg string) error {
	if arg == "-" {
		return f.standardInput()
	}
	info, err := os.Stat(arg)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return f.file(arg)
	}
	return filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != arg && (!f.recursive || d.Name()[0] == '.'):
			return filepath.SkipDir
		case d.Type().IsRegular() && dsl.Formattable(d.Name()):
			return f.file(path)
		}
		return nil
	})
}

func (f *formatter) standardInput() error {
	src, err := io.ReadAll(io.LimitReader(f.p.stdin, largestConfiguration+1)) // more is refused by its size
	if err != nil {
		return fmt.Errorf("reading standard input: %w", err)
	}
	out, ok := f.formatted("<stdin>", src)
	if !ok {
		return nil
	}
	_, err = f.p.stdout.Write(out)
	return err
}

// file formats one file in place, keeping its mode.
func (f *formatter) file(path string) error {
	src, err := readFile(path, largestConfiguration)
	if err != nil {
		return err
	}
	out, ok := f.formatted(path, src)
	if !ok || bytes.Equal(src, out) {
		return nil
	}
	f.unformatted++
	fmt.Fprintln(f.p.stdout, path)
	if f.diff {
		fmt.Fprintf(f.p.stdout, "%s", dsl.FormatDiff(path, src, out))
	}
	if f.check {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, out, info.Mode().Perm())
}

// formatted is the usual form of src; a file that cannot be parsed is shown and left alone.
func (f *formatter) formatted(name string, src []byte) ([]byte, bool) {
	out, diags := dsl.FormatFile(name, src)
	if diags.HasErrors() {
		f.unparsedFiles++
		cfg := &dsl.Config{Files: map[string]*hcl.File{name: {Bytes: src}}}
		f.g.draw(cfg, diags)
		return nil, false
	}
	return out, true
}
