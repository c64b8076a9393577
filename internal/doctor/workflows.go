package doctor

import (
	"context"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/org/imagebuild-action/internal/report"
)

// A Workflow is one workflow file of the repository.
type Workflow struct {
	Path string // from the repository's root
	Body []byte
}

// workflowFiles looks for what makes builds fail, or lets strangers in.
func workflowFiles(_ context.Context, e *exam) []report.Check {
	var out []report.Check
	used := 0
	for _, w := range e.Workflows {
		var doc yaml.Node
		if err := yaml.Unmarshal(w.Body, &doc); err != nil || len(doc.Content) == 0 {
			out = append(out, warning("workflow "+w.Path, "Correct it: actionlint says what is wrong.", "It cannot be read as YAML."))
			continue
		}
		f := &workflowFile{path: w.Path, root: doc.Content[0]}
		found := f.checks()
		if f.uses > 0 && len(found) == 0 {
			found = append(found, passed("workflow "+w.Path, "Nothing to object to in %d jobs that use imagebuild.", f.uses))
		}
		used += f.uses
		out = append(out, found...)
	}
	if used == 0 && len(e.Workflows) > 0 {
		out = append(out, unknown("workflows", "", "None of %d workflow files uses imagebuild.", len(e.Workflows)))
	}
	return out
}

// A workflowFile is one of them under the eye.
type workflowFile struct {
	path string
	root *yaml.Node
	uses int // jobs that use imagebuild
}

func (f *workflowFile) checks() []report.Check {
	var out []report.Check
	jobs := value(f.root, "jobs")
	if jobs == nil {
		return nil
	}
	for i := 0; i+1 < len(jobs.Content); i += 2 {
		j := &workflowJob{file: f, name: jobs.Content[i].Value, at: jobs.Content[i].Line, node: jobs.Content[i+1]}
		j.look()
		if !j.imagebuild {
			continue
		}
		f.uses++
		for _, check := range []func(*workflowJob) (report.Check, bool){(*workflowJob).target, (*workflowJob).cancelled, (*workflowJob).tokens, (*workflowJob).comments} {
			if c, found := check(j); found {
				out = append(out, c)
			}
		}
	}
	return out
}

// triggered reports whether an event starts the workflow.
func (f *workflowFile) triggered(event string) bool {
	on := value(f.root, "on")
	if on == nil {
		return false
	}
	if on.Kind == yaml.ScalarNode {
		return on.Value == event
	}
	if on.Kind == yaml.MappingNode {
		return value(on, event) != nil
	}
	for _, e := range on.Content {
		if e.Value == event {
			return true
		}
	}
	return false
}

// A workflowJob is one job, and what its steps do.
type workflowJob struct {
	file       *workflowFile
	name       string
	at         int
	node       *yaml.Node
	imagebuild bool // it uses imagebuild at all
	builds     bool // it makes or deletes things
	role       bool // it assumes a role with a token
	head       bool // it checks out what a pull request proposes
}

func (j *workflowJob) look() {
	steps := value(j.node, "steps")
	if steps == nil {
		return
	}
	for _, s := range steps.Content {
		uses, run, with := scalar(s, "uses"), scalar(s, "run"), value(s, "with")
		action, _, _ := strings.Cut(uses, "@")
		ours := strings.HasSuffix(action, "/imagebuild-action")
		command := scalar(with, "command")
		j.imagebuild = j.imagebuild || ours || strings.Contains(run, "imagebuild ")
		j.builds = j.builds || ours && (command == "build" || command == "gc") || strings.Contains(run, "imagebuild build") || strings.Contains(run, "imagebuild gc")
		j.role = j.role || (ours || strings.HasSuffix(action, "/configure-aws-credentials")) && scalar(with, "role-to-assume") != ""
		if strings.HasSuffix(action, "/checkout") {
			ref := scalar(with, "ref")
			j.head = j.head || strings.Contains(ref, "head") || strings.Contains(ref, "refs/pull")
		}
	}
}

func (j *workflowJob) title() string { return fmt.Sprintf("workflow %s, job %s", j.file.path, j.name) }

// target warns of events that hand a pull request's code the repository's own rights.
func (j *workflowJob) target() (report.Check, bool) {
	for _, event := range []string{"pull_request_target", "workflow_run", "issue_comment"} {
		if !j.file.triggered(event) {
			continue
		}
		if j.head {
			return problem(j.title(), "Use pull_request, which runs a fork's code without secrets.", "Line %d: it checks out what a pull request proposes, and %s hands it the repository's secrets and tokens.", j.at, event), true
		}
		if event == "pull_request_target" || j.builds {
			return warning(j.title(), "Use pull_request, unless you know that nothing of the pull request is run or read.", "Line %d: %s runs with the repository's own secrets and tokens, whoever started it.", j.at, event), true
		}
	}
	return report.Check{}, false
}

// cancelled finds builds that a newer run cuts off.
func (j *workflowJob) cancelled() (report.Check, bool) {
	if !j.builds {
		return report.Check{}, false
	}
	for _, owner := range []*yaml.Node{j.node, j.file.root} {
		c := value(value(owner, "concurrency"), "cancel-in-progress")
		if c == nil || c.Value == "false" {
			continue
		}
		hint := "Write cancel-in-progress: false: runs then wait for each other."
		if c.Value == "true" {
			return problem(j.title(), hint, "Line %d: a newer run cancels this one in the middle of a build, and what it started has minutes to be cleaned up.", c.Line), true
		}
		return warning(j.title(), hint, "Line %d: %s may let a newer run cancel this one in the middle of a build.", c.Line, c.Value), true
	}
	return report.Check{}, false
}

// permitted is a permission of the job: "write", "read", "none", or "" where nobody says.
func (j *workflowJob) permitted(scope string) string {
	for _, owner := range []*yaml.Node{j.node, j.file.root} {
		p := value(owner, "permissions")
		switch {
		case p == nil:
			continue
		case p.Kind == yaml.ScalarNode:
			return strings.TrimSuffix(p.Value, "-all")
		}
		if v := scalar(p, scope); v != "" {
			return v
		}
		return "none" // what a block does not name is taken away
	}
	return ""
}

// tokens finds jobs that assume a role and may not have tokens.
func (j *workflowJob) tokens() (report.Check, bool) {
	if !j.role || j.permitted("id-token") == "write" {
		return report.Check{}, false
	}
	return problem(j.title(), "Add permissions: id-token: write to the job. A job's permissions replace the workflow's.", "Line %d: it assumes a role and has no permission for identity tokens.", j.at), true
}

// comments finds jobs that cannot comment.
func (j *workflowJob) comments() (report.Check, bool) {
	if !j.file.triggered("pull_request") || j.permitted("pull-requests") == "write" || j.permitted("issues") == "write" || j.permitted("pull-requests") == "" {
		return report.Check{}, false
	}
	return warning(j.title(), "Add permissions: pull-requests: write to the job.", "Line %d: it has no permission to comment on pull requests; the plan is in the summary alone.", j.at), true
}

// value is what a mapping has under a key; nil for nothing.
func value(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func scalar(n *yaml.Node, key string) string {
	if v := value(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}
