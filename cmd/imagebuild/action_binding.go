package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/org/imagebuild-action/planner"
)

// planFileFormat is the version of the file that holds a bound plan.
const planFileFormat = "1.0"

// planLife is how long a plan may be carried out after it was made.
const planLife = 72 * time.Hour

// maxPlanFile bounds a plan file: it may come out of an artifact.
const maxPlanFile = 256 << 20

// A planFile is a plan and what it is bound to. imagebuild build takes such a file as it takes the
// plan alone; the action takes nothing else.
type planFile struct {
	Format  string          `json:"plan_file_version"`
	Binding binding         `json:"binding"`
	Plan    json.RawMessage `json:"plan"`
}

// A binding says for what a plan was made. Nothing of it is a secret.
type binding struct {
	Plan          string    `json:"plan"`          // sha256 of the plan
	Configuration string    `json:"configuration"` // its digest: every file that was read
	Version       string    `json:"version"`       // of imagebuild
	Repository    int64     `json:"repository_id"`
	SHA           string    `json:"sha"` // of the commit: of a pull request its head
	PullRequest   int       `json:"pull_request,omitempty"`
	Run           int64     `json:"run_id"`
	Account       string    `json:"account"`
	Region        string    `json:"region"`
	Created       time.Time `json:"created"`
	Expires       time.Time `json:"expires"`
}

// digest is sha256 as outputs and bindings write it.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// bind makes a plan file of a plan's JSON. For says what this job is: all that the plan itself does not.
func bind(plan []byte, to binding) ([]byte, error) {
	doc, err := planner.ParsePlan(plan)
	if err != nil {
		return nil, err
	}
	plan = bytes.TrimSpace(plan)
	to = to.of(plan, doc)
	to.Expires = to.Created.Add(planLife)
	var b bytes.Buffer
	head, err := json.Marshal(to)
	if err != nil {
		return nil, fmt.Errorf("binding the plan: %w", err)
	}
	// Written by hand since an encoder would write the plan anew, and its digest is of its bytes.
	fmt.Fprintf(&b, "{\"plan_file_version\":%q,\n\"binding\":%s,\n\"plan\":%s}\n", planFileFormat, head, plan)
	return b.Bytes(), nil
}

// of fills in what the plan itself says.
func (b binding) of(plan []byte, doc *planner.Document) binding {
	b.Plan, b.Configuration, b.Region = digest(plan), doc.ConfigDigest, doc.Region
	if doc.Account != nil {
		b.Account = *doc.Account
	}
	return b
}

// unbind takes a plan file apart. A file that holds a plan alone has no binding.
func unbind(file []byte) (plan []byte, bound *binding, err error) {
	var f planFile
	if len(file) > maxPlanFile {
		return nil, nil, fmt.Errorf("the plan file has %d bytes, and %d are allowed", len(file), maxPlanFile)
	}
	if err := json.Unmarshal(file, &f); err != nil {
		return nil, nil, fmt.Errorf("reading the plan file: %w", err)
	}
	switch f.Format {
	case "":
		return file, nil, nil
	case planFileFormat:
	default:
		return nil, nil, fmt.Errorf("reading the plan file: its version is %q, and this program reads %q", f.Format, planFileFormat)
	}
	if got := digest(f.Plan); got != f.Binding.Plan {
		return nil, nil, fmt.Errorf("the plan in the plan file is not the one that was bound: its digest was %s and is %s", f.Binding.Plan, got)
	}
	return f.Plan, &f.Binding, nil
}

// errUnbound is a plan file that nothing says the origin of.
var errUnbound = errors.New("the plan file holds a plan that is bound to nothing: the action did not write it")

// prove reports what speaks against carrying out a bound plan in this job, one line a difference.
// Trusted says that the file's own digest came from the job that made it: only then may the run be another.
func (b *binding) prove(now binding, trusted bool) []string {
	var out []string
	was, is := reflect.ValueOf(*b), reflect.ValueOf(now)
	for i := range was.NumField() {
		name, _, _ := strings.Cut(was.Type().Field(i).Tag.Get("json"), ",")
		switch {
		case name == "created", name == "expires", name == "plan": // the plan is compared member by member
		case name == "run_id" && trusted:
		case name == "version" && major(b.Version) == major(now.Version):
		case !was.Field(i).Equal(is.Field(i)):
			out = append(out, fmt.Sprintf("%s was %v and is %v", name, shown(was.Field(i)), shown(is.Field(i))))
		}
	}
	if !now.Created.Before(b.Expires) {
		out = append(out, "it expired at "+b.Expires.UTC().Format(time.RFC3339))
	}
	if b.Expires.Sub(b.Created) > planLife || now.Created.Before(b.Created.Add(-time.Minute)) {
		out = append(out, fmt.Sprintf("it says that it was made at %s, for longer than plans are kept or later than now", b.Created.UTC().Format(time.RFC3339)))
	}
	return out
}

// shown is a member's value, an empty one in words.
func shown(v reflect.Value) any {
	if v.IsZero() {
		return "nothing"
	}
	return v.Interface()
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}
