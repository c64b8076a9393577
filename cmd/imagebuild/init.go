package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

//go:embed starters
var starterFiles embed.FS

// starters are the configurations that init writes, by name, and what each is for.
var starters = map[string]string{
	"linux":     "an Amazon Linux image with a script and a test",
	"windows":   "a Windows Server image with PowerShell and a restart",
	"appstream": "a Windows image that is imported into AppStream, with a fleet",
}

func (p *program) initCommand() *cobra.Command {
	names := slices.Sorted(maps.Keys(starters))
	var long strings.Builder
	long.WriteString("init writes a configuration to start from. It plans as it stands.\n\n")
	for _, n := range names {
		fmt.Fprintf(&long, "  %-10s %s\n", n, starters[n])
	}
	return &cobra.Command{
		Use: "init [{" + strings.Join(names, "|") + "} [DIR]]", Short: "Write a configuration to start from", Long: long.String(),
		Args: cobra.MaximumNArgs(2), ValidArgs: names,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return p.listStarters(names)
			}
			if _, ok := starters[args[0]]; !ok {
				return mistake("choose one of "+strings.Join(names, ", "), "there is no starter %q", args[0])
			}
			dir := "."
			if len(args) == 2 {
				dir = args[1]
			}
			return p.writeStarter(args[0], dir)
		},
	}
}

// listStarters says what there is to start from.
func (p *program) listStarters(names []string) error {
	var b strings.Builder
	b.WriteString("Starters:\n")
	for _, n := range names {
		fmt.Fprintf(&b, "  %-10s %s\n", n, starters[n])
	}
	fmt.Fprintf(&b, "Write one with: imagebuild init %s [DIR]\n", names[0])
	_, err := io.WriteString(p.stdout, b.String())
	return err
}

// writeStarter copies the starter's files and never replaces one.
func (p *program) writeStarter(name, dir string) error {
	target := filepath.Join(p.cwd, dir)
	if filepath.IsAbs(dir) {
		target = dir
	}
	file := name + ".ib.hcl"
	src, err := fs.ReadFile(starterFiles, "starters/"+file)
	if err != nil {
		return fmt.Errorf("reading the starter: %w", err)
	}
	if err = os.MkdirAll(target, 0o755); err != nil { //nolint:gosec // a source directory, as git makes them
		return &exit{status: statusFailed, err: err, hint: "choose a directory that can be written"}
	}
	f, err := os.OpenFile(filepath.Join(target, file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // a source file where the user said
	if errors.Is(err, fs.ErrExist) {
		return mistake("move it away, or name another directory: imagebuild init "+name+" DIR", "%s is there already", filepath.Join(dir, file))
	}
	if err != nil {
		return &exit{status: statusFailed, err: err}
	}
	_, err = f.Write(src)
	if err = errors.Join(err, f.Close()); err != nil {
		return &exit{status: statusFailed, err: err}
	}
	fmt.Fprintf(p.stdout, "wrote %s\nnext: imagebuild plan %s\n", filepath.Join(dir, file), dir)
	return nil
}
