package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/internal/component"
)

// prepare does what must be done before anything runs: it finds a run to go on with or reads the
// documents, and makes sure that the log can go where it is to go.
func (x *execution) prepare(ctx context.Context) error {
	if err := x.takeUp(); err != nil {
		return err
	}
	if err := x.deliverable(ctx); err != nil {
		return err
	}
	x.job.Resolver, x.job.S3Endpoint = x.aws, x.aws.s3Endpoint()
	if !x.credentials {
		x.job.Resolver = isolatedResolver{}
	}
	if len(x.job.Documents) > 0 {
		return nil
	}
	unused := map[string]bool{}
	for _, v := range x.Parameters {
		unused[v.Name] = true
	}
	for _, d := range x.Documents {
		source, err := x.aws.document(ctx, d.Path, x.DocumentS3BucketOwner)
		if err != nil {
			return fmt.Errorf("the document %s cannot be read: %w", d.Path, err)
		}
		jd := component.JobDocument{Name: d.Path, Source: source, Parameters: x.values(d, source, unused)}
		switch {
		case isARN(d.Path):
			jd.ARN = d.Path
		case !isS3(d.Path):
			jd.Path = x.p.absolute(d.Path)
		}
		x.job.Documents = append(x.job.Documents, jd)
	}
	for _, name := range slices.Sorted(maps.Keys(unused)) {
		fmt.Fprintf(x.p.stderr, "warning: no document declares the parameter %q; its value is not used\n", name)
	}
	return nil
}

// values are those a document is given. AWSTOE ignores values for all documents that a document does
// not declare; a value given to this document alone must be its own.
func (x *execution) values(d runDocument, source string, unused map[string]bool) map[string]string {
	values := map[string]string{}
	doc, _ := component.Parse([]byte(source), d.Path) // the run says what is wrong with it
	for _, v := range x.Parameters {
		if doc != nil && doc.Parameter(v.Name) != nil {
			values[v.Name] = v.Value
			delete(unused, v.Name)
		}
	}
	for _, v := range d.Parameters {
		values[v.Name] = v.Value
	}
	return values
}

func isS3(path string) bool  { return strings.HasPrefix(path, "s3://") }
func isARN(path string) bool { return strings.HasPrefix(path, "arn:") }

// document reads a document from where its path says it is.
func (c *runClients) document(ctx context.Context, path, owner string) (string, error) {
	if isS3(path) || isARN(path) {
		return c.Document(ctx, path, owner)
	}
	raw, err := readFile(filepath.Clean(c.p.absolute(path)), maxDocument)
	return string(raw), err
}
