package planner

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
)

// FormatVersion is the version of the plan document. The first number changes when a reader of
// earlier documents would misread it.
const FormatVersion = "1.0"

// JSON is the plan as a document: the same plan is the same bytes. Each change is a line of its own.
// A reference inside an input is {"$ref":"component.web","attr":"arn"}.
func (p *Plan) JSON() []byte {
	b := []byte(`{"format_version":"` + FormatVersion + `","config_digest":"sha256:` + p.Graph.digest + `","region":`)
	b = appendString(b, p.Graph.Region)
	b = append(b, `,"account":`...)
	b = appendOptional(b, p.Account)
	b = strconv.AppendBool(append(b, `,"offline":`...), p.Offline)
	b = appendPullRequest(b, p.PullRequest)
	b = append(b, ",\"changes\":["...)
	count := make(map[Verb]int)
	for _, c := range p.Changes {
		count[c.Verb]++
	}
	parts, size := p.encodeChanges(), 0
	for _, part := range parts {
		size += len(part) + len(",")
	}
	b = slices.Grow(b, size+1<<10)
	for i, part := range parts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, part...)
	}
	b = append(b, "],\n\"summary\":{"...)
	for i, v := range []Verb{Create, Update, Delete, None, Wait, Later} {
		if (v == Wait || v == Later) && count[v] == 0 {
			continue
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), v...), '"', ':')
		b = strconv.AppendInt(b, int64(count[v]), 10)
	}
	b = append(b, "},\"diagnostics\":["...)
	for i, d := range p.Diags {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendDiagnostic(b, d)
	}
	return append(b, "]}\n"...)
}

// encodeChanges writes the changes share by share: they are nearly all of a document, and what one
// says depends on no other.
func (p *Plan) encodeChanges() [][]byte {
	const share = 256
	parts := make([][]byte, (len(p.Changes)+share-1)/share)
	sideBySide(len(parts), 1, func(i int) {
		some := p.Changes[i*share : min((i+1)*share, len(p.Changes))]
		b := make([]byte, 0, 1024*len(some))
		for j, c := range some {
			if j > 0 {
				b = append(b, ',')
			}
			b = p.appendChange(append(b, '\n'), c)
		}
		parts[i] = b
	})
	return parts
}

// MarshalJSON is JSON.
func (p *Plan) MarshalJSON() ([]byte, error) { return p.JSON(), nil }

func (p *Plan) appendChange(b []byte, c *Change) []byte {
	b = appendString(append(b, `{"address":`...), c.Addr.String())
	b = appendString(append(b, `,"kind":`...), c.Kind.Name)
	b = appendString(append(b, `,"verb":`...), string(c.Verb))
	b = appendString(append(b, `,"reason":`...), c.Reason)
	b = append(b, `,"digest":`...)
	if c.Digest == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, "sha256:"+c.Digest)
	}
	b = append(b, `,"needs":[`...)
	for i, a := range c.Needs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, a.String())
	}
	b = appendOptional(append(b, `],"arn":`...), p.arn(c))
	b = appendRange(append(b, `,"origin":`...), c.Origin)
	if c.Work != nil {
		b = c.Work.appendJSON(append(b, `,"work":`...))
	}
	b = appendRetag(b, c.Retag)
	b = append(b, `,"call":`...)
	if c.Op == "" {
		return append(b, "null}"...)
	}
	service, operation := c.Op.split()
	b = appendString(append(b, `{"service":`...), service)
	b = appendString(append(b, `,"operation":`...), operation)
	b = appendString(append(b, `,"region":`...), cmp.Or(c.Region, p.Graph.Region))
	b = appendJSON(append(b, `,"input":`...), c.Call(), appendRef)
	return append(b, "}}"...)
}

// appendPullRequest writes which pull request a plan is of; nothing in a plan of none.
func appendPullRequest(b []byte, p *PullRequest) []byte {
	if p == nil {
		return b
	}
	b = appendString(append(b, `,"pull_request":{"repository":`...), p.Repository)
	b = strconv.AppendInt(append(b, `,"number":`...), int64(p.Number), 10)
	return append(appendString(append(b, `,"expires_after":`...), p.Expires.String()), '}')
}

// appendRetag writes a change of tags; nothing where there is none.
func appendRetag(b []byte, r *Retag) []byte {
	if r == nil {
		return b
	}
	b = append(b, `,"retag":{"add":{`...)
	for i, k := range sortedKeys(r.Add) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(appendString(b, k), ':'), r.Add[k])
	}
	b = append(b, `},"remove":[`...)
	for i, k := range r.Remove {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, k)
	}
	return append(b, "]}"...)
}

// arn is where a change's resource is, or will be.
func (p *Plan) arn(c *Change) string {
	if c.Observed != nil && c.Observed.Exists && c.Verb != Create {
		if arn, ok := c.Observed.Outputs["arn"].(string); ok {
			return arn
		}
	}
	return ARN(c.Node, awsmodel.PartitionOf(p.Graph.Region), p.Graph.Region, p.Account)
}

func appendRef(b []byte, r dsl.Ref) []byte {
	b = appendString(append(b, `{"$ref":`...), r.Addr.String())
	return append(appendString(append(b, `,"attr":`...), r.Attr), '}')
}

func appendOptional(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendString(b, s)
}

func appendRange(b []byte, r hcl.Range) []byte {
	b = appendString(append(b, `{"file":`...), r.Filename)
	b = strconv.AppendInt(append(b, `,"line":`...), int64(r.Start.Line), 10)
	b = strconv.AppendInt(append(b, `,"column":`...), int64(r.Start.Column), 10)
	return append(b, '}')
}

func appendDiagnostic(b []byte, d *hcl.Diagnostic) []byte {
	severity := "error"
	if d.Severity == hcl.DiagWarning {
		severity = "warning"
	}
	b = appendString(append(b, `{"severity":`...), severity)
	b = appendString(append(b, `,"summary":`...), d.Summary)
	b = appendString(append(b, `,"detail":`...), d.Detail)
	if d.Subject != nil {
		b = appendRange(append(b, `,"origin":`...), *d.Subject)
	}
	return append(b, '}')
}

// A Document is a plan read back: what JSON writes.
type Document struct {
	FormatVersion string  `json:"format_version"`
	ConfigDigest  string  `json:"config_digest"`
	Region        string  `json:"region"`
	Account       *string `json:"account"`
	Offline       bool    `json:"offline"`
	// PullRequest is null in a plan of none.
	PullRequest *DocumentPullRequest `json:"pull_request"`
	Changes     []DocumentChange     `json:"changes"`
	Summary     map[Verb]int         `json:"summary"`
}

// A DocumentChange is one change of a Document.
type DocumentChange struct {
	Address string         `json:"address"`
	Kind    string         `json:"kind"`
	Verb    Verb           `json:"verb"`
	Reason  string         `json:"reason"`
	Digest  *string        `json:"digest"`
	Needs   []string       `json:"needs"`
	ARN     *string        `json:"arn"`
	Origin  DocumentOrigin `json:"origin"`
	// Work is what is done inside the machine, as Work writes it; nil for none.
	Work  json.RawMessage `json:"work,omitempty"`
	Retag *DocumentRetag  `json:"retag"`
	Call  *DocumentCall   `json:"call"`
}

// A DocumentPullRequest is the pull request that a plan is of.
type DocumentPullRequest struct {
	Repository   string `json:"repository"`
	Number       int    `json:"number"`
	ExpiresAfter string `json:"expires_after"` // as time.ParseDuration reads it
}

// A DocumentRetag is a change of tags, made before the call.
type DocumentRetag struct {
	Add    map[string]string `json:"add"`
	Remove []string          `json:"remove"`
}

// A DocumentOrigin is where a change was written: a slash path from the repository's root, and the
// place in it, counted from 1.
type DocumentOrigin struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// A DocumentCall is the call of a change.
type DocumentCall struct {
	Service   string                     `json:"service"`
	Operation string                     `json:"operation"`
	Region    string                     `json:"region"`
	Input     map[string]json.RawMessage `json:"input"`
}

// ParsePlan reads a plan document. It refuses documents of another format.
func ParsePlan(raw []byte) (*Document, error) {
	var d Document
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&d); err != nil {
		return nil, fmt.Errorf("reading a plan document: %w", err)
	}
	if d.FormatVersion != FormatVersion {
		return nil, fmt.Errorf("reading a plan document: format_version is %q, and this program reads %q", d.FormatVersion, FormatVersion)
	}
	return &d, nil
}
