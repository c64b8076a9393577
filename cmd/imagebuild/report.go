package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/internal/report"
)

const (
	// reportNames are the files that are taken from a directory: others, such as plans and manifests, may
	// be there too.
	reportNames = "*report*.json"
	// maxReports bounds how many files are read: a matrix has at most 256 jobs.
	maxReports = 1000
	// maxReportBytes bounds their length together.
	maxReportBytes = 512 << 20
)

// reportOptions are report's own flags.
type reportOptions struct {
	format, out string
	budget      int
	all         bool
}

func (p *program) reportCommand() *cobra.Command {
	o := reportOptions{format: "markdown"}
	c := &cobra.Command{
		Use: "report PATH...", Short: "Merge the reports of several jobs and show them", Args: cobra.MinimumNArgs(1),
		Long: "report reads what --report wrote: the files named, and of directories all whose names are like\n" +
			reportNames + ". It shows them as one, and ends with status 1 when one of them tells of a failure.",
		RunE: func(_ *cobra.Command, args []string) error { return p.report(args, o) },
	}
	choose(c, &o.format, "format", "how to show them", "markdown", "html", "json", "text")
	addAll(c, &o.all)
	c.Flags().StringVar(&o.out, "out", "", "write to `file` instead of standard output")
	c.Flags().IntVar(&o.budget, "budget", report.MaxComment, "markdown in at most `n` bytes: logs and details are left out until it fits")
	return c
}

func (p *program) report(paths []string, o reportOptions) error {
	r := reportReader{left: maxReportBytes}
	for _, path := range paths {
		if !filepath.IsAbs(path) {
			path = filepath.Join(p.cwd, path)
		}
		if err := r.read(path); err != nil {
			return mistake("name files that imagebuild build --report FILE.json wrote, or directories of them", "%w", err)
		}
	}
	docs := report.Merge(r.docs)
	if len(docs) == 0 {
		return mistake("a job writes one with: imagebuild build --report NAME-report.json", "there is no %s in %s", reportNames, strings.Join(paths, ", "))
	}
	var b bytes.Buffer
	if err := p.renderReports(&b, docs, o); err != nil {
		return err
	}
	if err := p.writeOut(o.out, b.Bytes()); err != nil {
		return &exit{status: statusFailed, err: err, hint: "name a file that can be written: --out FILE"}
	}
	if report.ExitFailed(docs) {
		return told(statusFailed)
	}
	return nil
}

func (p *program) renderReports(w io.Writer, docs []*report.Document, o reportOptions) error {
	var err error
	switch o.format {
	case "markdown":
		if o.budget < 1 {
			return mistake("GitHub takes about 65000 of a comment, 1000000 of a summary", "--budget cannot be %d", o.budget)
		}
		_, err = io.WriteString(w, report.Comment(docs, o.budget))
	case "html":
		err = report.HTML(w, docs)
	case "json":
		var raw []byte
		if raw, err = report.JSON(docs); err == nil {
			_, err = w.Write(raw)
		}
	case "text":
		options := report.TextOptions{Width: 100}
		if o.out == "" {
			options = p.textOptions(p.stdout)
		}
		options.All = o.all
		err = report.DocumentsText(w, docs, options)
	}
	if err != nil {
		return &exit{status: statusFailed, err: err}
	}
	return nil
}

// writeOut writes to a file, or to standard output where none is named.
func (p *program) writeOut(file string, raw []byte) error {
	if file == "" {
		_, err := p.stdout.Write(raw)
		return err
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(p.cwd, file)
	}
	return os.WriteFile(file, raw, 0o600)
}

// A reportReader collects documents from files. They come from other jobs: nothing is followed out of
// a directory that was named, and only so much is read.
type reportReader struct {
	docs  []*report.Document
	files int
	left  int64
}

func (r *reportReader) read(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		f, openErr := os.Open(path) //nolint:gosec // it is the file that the command line names
		if openErr != nil {
			return openErr
		}
		return errors.Join(r.take(path, "", f), f.Close())
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	walked := fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if taken, _ := filepath.Match(reportNames, e.Name()); err != nil || !e.Type().IsRegular() || !taken {
			return err
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		return errors.Join(r.take(filepath.Join(path, name), filepath.ToSlash(filepath.Dir(name)), f), f.Close())
	})
	return errors.Join(walked, root.Close())
}

// take reads one file. Documents that do not say which leg they are of are called by their directory,
// as the artifacts of several jobs are downloaded into one each.
func (r *reportReader) take(path, dir string, f io.Reader) error {
	if r.files++; r.files > maxReports {
		return fmt.Errorf("there are more than %d reports", maxReports)
	}
	counted := &io.LimitedReader{R: f, N: r.left}
	docs, err := report.ReadDocuments(counted)
	if r.left = counted.N; r.left <= 0 {
		return fmt.Errorf("the reports are longer than %d bytes together", maxReportBytes)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", report.Neutral(path), err)
	}
	for _, d := range docs {
		if d.Leg == "" && dir != "." {
			d.Leg = dir
		}
	}
	r.docs = append(r.docs, docs...)
	return nil
}
