package sandbox

import (
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/component"
)

// maxDocument is the quota for a component, workflow or Dockerfile template given by uri.
const maxDocument = 64 << 10

// createComponent makes a component, or a further build of one whose version exists with other
// content; with the same content as the latest build it exists already.
func (ib *imageBuilder) createComponent(c *call) (object, error) {
	data, from, err := ib.source(c, "data", "uri")
	if err != nil {
		return nil, err
	}
	platform := text(c.in, "platform")
	doc, err := checkDocument(data, from, platform)
	if err != nil {
		return nil, err
	}
	body := without(c.in, "clientToken", "dryRun", "uri", "semanticVersion")
	body["data"] = data
	r, err := ib.nextBuild(c, "component", text(c.in, "name"), body)
	if err != nil {
		return nil, err
	}
	r.Body = with(body, object{
		"type":        documentType(doc),
		"state":       object{"status": "ACTIVE"},
		"parameters":  documentParameters(doc),
		"owner":       c.account,
		"version":     r.Version.String(),
		"encrypted":   true,
		"obfuscate":   false,
		"dateCreated": isoTime(c.now),
	})
	return ib.create(c, r)
}

// nextBuild finds the place of a component or workflow: build 1 of a new version, or the next build
// of one that exists with other content.
func (ib *imageBuilder) nextBuild(c *call, kind, name string, body object) (*resource, error) {
	p, ok := parsePattern(text(c.in, "semanticVersion"))
	if !ok || !p.exact() {
		return nil, invalid("semanticVersion", `semanticVersion must match pattern ^[0-9]+\.[0-9]+\.[0-9]+$`)
	}
	v := version(p)
	part := awsmodel.NormalizeName(name)
	if kind == "workflow" {
		part = strings.ToLower(text(c.in, "type")) + "/" + part
	}
	family := arnPrefix(c.region, c.account) + kind + "/" + part
	r := &resource{Version: v, Build: 1}
	if builds := ib.db.builds(family, v); len(builds) > 0 {
		latest := builds[len(builds)-1]
		if sameContent(latest.Body, body) {
			return nil, exists(kindNamed(kind).typ, latest.ARN)
		}
		r.Build = latest.Build + 1
	}
	r.ARN = family + "/" + v.String() + "/" + itoa(r.Build)
	return r, nil
}

// sameContent is whether a second create would make the same thing. AWS says "identical content"
// and not what it compares; here it is all that makes a difference when it runs.
func sameContent(a, b object) bool {
	for _, m := range []string{"data", "platform", "supportedOsVersions", "type", "kmsKeyId"} {
		if m == "type" && b[m] == nil {
			continue // a component's follows from its data
		}
		if canonical(a[m]) != canonical(b[m]) {
			return false
		}
	}
	return true
}

// source returns the text of a document given inline or by an S3 URI, and the member it came by.
func (ib *imageBuilder) source(c *call, inline, uri string) (data, from string, err error) {
	if data = text(c.in, inline); data != "" {
		return data, inline, nil
	}
	bucket, key, ok := strings.Cut(strings.TrimPrefix(text(c.in, uri), "s3://"), "/")
	if !ok || bucket == "" || key == "" {
		return "", "", invalid(uri, "The value must be an S3 URI of the form s3://bucket/key.")
	}
	b, err := ib.objects.read(bucket, key, maxDocument+1)
	if err != nil {
		return "", "", invalid(uri, "The object s3://%s/%s cannot be read: %s.", bucket, key, err)
	}
	if len(b) > maxDocument {
		return "", "", invalid(uri, "The object s3://%s/%s is larger than %d bytes.", bucket, key, maxDocument)
	}
	return string(b), uri, nil
}

// checkDocument refuses what CreateComponent refuses. from is the member the document came by.
func checkDocument(data, from, platform string) (*component.Document, error) {
	doc, diags := component.Parse([]byte(data), "document.yml")
	if doc != nil && !diags.HasErrors() {
		diags = append(diags, doc.Check(platform)...)
	}
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			return nil, invalid(from, "%s", d.Detail)
		}
	}
	return doc, nil
}

// documentType derives a component's type from its document, as AWS does.
func documentType(doc *component.Document) string {
	if len(doc.Phases) == 1 && doc.Phases[0].Name == "test" {
		return "TEST"
	}
	return "BUILD"
}

func documentParameters(doc *component.Document) any {
	if len(doc.Parameters) == 0 {
		return nil
	}
	var out []any
	for _, p := range doc.Parameters {
		o := object{"name": p.Name, "type": p.Type}
		if p.Description != "" {
			o["description"] = p.Description
		}
		if p.HasDefault {
			o["defaultValue"] = []any{p.Default}
		}
		out = append(out, o)
	}
	return out
}
