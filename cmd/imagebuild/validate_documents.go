package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/internal/report"
)

// documentFlags are those of `awstoe validate`.
type documentFlags struct {
	documents, owner, platforms string
	trace                       bool
}

func (f *documentFlags) add(c *cobra.Command) {
	joinedVar(c.Flags(), &f.documents, "documents", "d", "check these component `documents` in place of a configuration, and answer as AWSTOE does; separated by commas, may be repeated")
	c.Flags().StringVar(&f.owner, "document-s3-bucket-owner", "", "with --documents: the `account` that must own the buckets of s3:// documents")
	joinedVar(c.Flags(), &f.platforms, "os-platforms", "", "with --documents: check for linux, windows or darwin; several `platforms` are separated by commas (default: this machine's)")
	c.Flags().BoolVarP(&f.trace, "trace", "t", false, "with --documents: say what is checked")
}

// A validation is the answer of `awstoe validate`.
type validation struct {
	Status  string `json:"validationStatus"`
	Message string `json:"message"`
}

// validateDocuments checks component documents: carets for people on standard error, AWSTOE's answer
// on standard output, status 1 where something is wrong.
func (p *program) validateDocuments(ctx context.Context, f documentFlags, all bool) error {
	platforms, err := osPlatforms(f.platforms)
	if err != nil {
		return err
	}
	var documents []string
	if f.documents != "" { // none at all is no mistake to AWSTOE
		if documents, err = documentPaths(f.documents); err != nil {
			return err
		}
	}
	clients := newRunClients(p)
	var wrong []string
	for _, path := range documents {
		if f.trace {
			fmt.Fprintf(p.stderr, "Debug Setup: Currently validating document %s\n", report.Neutral(path))
		}
		source, err := clients.document(ctx, path, f.owner)
		if err != nil {
			fmt.Fprintf(p.stderr, "error: the document %s cannot be read: %s\n", report.Neutral(path), report.Neutral(err.Error()))
			wrong = append(wrong, err.Error())
			continue
		}
		diags := checkDocument(path, source, platforms)
		files := map[string]*hcl.File{path: {Bytes: []byte(source)}}
		options := p.textOptions(p.stderr)
		options.All = all
		if err := report.Diagnostics(p.stderr, files, diags, options); err != nil {
			return fmt.Errorf("drawing what was found: %w", err)
		}
		for _, d := range diags {
			if d.Severity == hcl.DiagError {
				wrong = append(wrong, d.Detail)
			}
		}
	}
	answer := validation{"success", "Document(s) [" + f.documents + "] is/are valid."}
	if len(wrong) > 0 {
		answer = validation{"failed", strings.Join(wrong, "\n")}
	}
	if err := printTOE(p.stdout, answer); err != nil {
		return fmt.Errorf("printing the answer: %w", err)
	}
	if len(wrong) > 0 {
		return told(statusFailed)
	}
	return nil
}

func checkDocument(path, source string, platforms []string) hcl.Diagnostics {
	doc, diags := component.Parse([]byte(source), path)
	if doc == nil {
		return diags
	}
	for _, platform := range platforms {
		diags = append(diags, doc.Check(platform)...)
	}
	return diags
}

// osPlatforms reads --os-platforms, whose words are Go's.
func osPlatforms(text string) ([]string, error) {
	words := map[string]string{"linux": component.Linux, "windows": component.Windows, "darwin": component.MacOS}
	var platforms []string
	for _, word := range list(text) {
		platform, known := words[word]
		if !known {
			return nil, mistake("it is linux, windows or darwin", "--os-platforms: there is no platform %q", word)
		}
		platforms = append(platforms, platform)
	}
	if platform, known := words[runtime.GOOS]; known && len(platforms) == 0 {
		platforms = []string{platform}
	}
	return platforms, nil
}
