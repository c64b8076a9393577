package component_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/component"
)

// A known resolver answers from maps; what a name maps to "" for fails.
type known struct {
	parameters, secrets, documents map[string]string
	asked                          []string
}

func (k *known) Parameter(_ context.Context, name string) (string, bool, error) {
	k.asked = append(k.asked, name)
	if v, ok := k.secrets[name]; ok {
		return v, true, nil
	}
	if v, ok := k.parameters[name]; ok {
		return v, false, nil
	}
	return "", false, fmt.Errorf("there is no parameter %s", name)
}

func (k *known) Document(ctx context.Context, address, owner string) (string, error) {
	k.asked = append(k.asked, address+" "+owner)
	if v, ok := k.documents[address]; ok {
		return v, nil
	}
	if address == "s3://bucket/never" {
		<-ctx.Done()
		return "", context.Cause(ctx)
	}
	return "", errors.New("access denied")
}

// documents writes documents of one phase whose steps are given as flow mappings.
func documents(tb testing.TB, files map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	for name, flow := range files {
		if err := os.MkdirAll(filepath.Dir(dir+"/"+name), 0o755); err != nil {
			tb.Fatal(err)
		}
		writeFile(tb, dir+"/"+name, steps(strings.Split(flow, "\n")...).Source)
	}
	return dir
}

func TestExecuteDocument(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	dir := documents(t, map[string]string{
		"top.yml": `{name: Sub, action: ExecuteDocument, inputs: {document: parts/sub.yml}}
{name: Each, action: ExecuteDocument, loop: {name: L, forEach: [a, b]}, inputs: {document: 'parts/{{ L.value }}.yml', phases: build, parameters: []}}
{name: Show, action: ExecuteBash, inputs: {commands: ['echo {{ build.Sub.outputs.status }} {{ build.Sub.outputs.executedStepCount }}', 'echo "{{ build.Each.outputs.executedStepCount }}"']}}`,
		"parts/sub.yml":    "{name: One, action: ExecuteBash, inputs: {commands: [echo one]}}\n{name: Deeper, action: ExecuteDocument, inputs: {document: deeper.yml}}",
		"parts/a.yml":      "{name: A, action: ExecuteBash, inputs: {commands: [echo A]}}",
		"parts/b.yml":      "{name: B, action: ExecuteBash, onFailure: Ignore, inputs: {commands: [exit 3]}}",
		"parts/deeper.yml": "{name: Two, action: ExecuteBash, inputs: {commands: [echo two]}}",
	})
	o := runJob(t, root, jobOf(t, dir, "top.yml"))
	if o.Status != component.Success || o.ExecutedSteps != 3 || len(o.Steps) != 3 {
		t.Fatal(summary(o.Result) + strings.Join(o.log, "\n"))
	}
	if got, want := stdout(o.Steps[2]), "success 2\n1\n1"; got != want {
		t.Errorf("the outputs of the nested runs are %q, want %q", got, want)
	}
	if n := o.Steps[1].Nested; len(n) != 2 || n[0].Steps[0].Name != "A" || n[1].Status != component.SuccessWithIgnoredFailure {
		t.Errorf("the nested results of the loop are %+v", n)
	}
	if n := o.Steps[0].Nested[0].Steps[1].Nested; len(n) != 1 || n[0].Steps[0].Name != "Two" {
		t.Errorf("the innermost result is %+v", n)
	}
	var depths []int
	for _, e := range o.events {
		if e.Kind == component.StepStarted {
			depths = append(depths, e.Depth)
		}
	}
	if want := []int{0, 1, 1, 2, 0, 1, 1, 0}; !slices.Equal(depths, want) {
		t.Errorf("the steps started at the depths %v, want %v", depths, want)
	}
}

// jobOf runs one document of a directory.
func jobOf(tb testing.TB, dir, name string) component.Job {
	tb.Helper()
	raw, err := os.ReadFile(dir + "/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return component.Job{WorkingDirectory: dir, Documents: []component.JobDocument{{Name: name, Path: dir + "/" + name, Source: string(raw)}}}
}

// TestExecuteDocumentRefusals holds how nesting ends that must not go on.
func TestExecuteDocumentRefusals(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	call := func(name string) string {
		return "{name: Go, action: ExecuteDocument, inputs: {document: " + name + "}}"
	}
	dir := documents(t, map[string]string{
		"self.yml": call("./self.yml"), "ping.yml": call("pong.yml"), "pong.yml": call("ping.yml"),
		"0.yml": call("1.yml"), "1.yml": call("2.yml"), "2.yml": call("3.yml"), "3.yml": call("4.yml"), "4.yml": "{name: End, action: ExecuteBash, inputs: {commands: [echo end]}}",
		"missing.yml":   call("nowhere.yml"),
		"failing.yml":   call("fails.yml"),
		"fails.yml":     "{name: No, action: ExecuteBash, inputs: {commands: [exit 4]}}",
		"invalid.yml":   call("broken.yml"),
		"parameter.yml": "{name: Go, action: ExecuteDocument, inputs: {document: 4.yml, parameters: [{name: Nope, value: x}]}}",
		"windows.yml":   call("registry.yml"),
		"registry.yml":  "{name: Reg, action: SetRegistry, onFailure: Ignore, inputs: [{path: 'HKLM:\\A', name: a, value: 1, type: DWORD}]}",
		"arn.yml":       call("arn:aws:imagebuilder:eu-west-1:123456789012:component/x/1.0.0/1"),
		"blank.yml":     call("'{{ aws:ssm:/empty }}'"),
	})
	writeFile(t, dir+"/broken.yml", "schemaVersion: 1.0\nphases: []\nnonsense: 1\n")
	for name, want := range map[string]string{
		"self.yml": "runs itself", "ping.yml": "runs itself", "0.yml": "more than 3 levels deep", "missing.yml": "no such file",
		"failing.yml": "Document fails.yml failed!", "invalid.yml": "nonsense", "parameter.yml": "not defined in the provided component: Nope",
		"windows.yml": "Document registry.yml failed!", "arn.yml": "cannot be fetched", "blank.yml": "the input document is empty",
	} {
		job := jobOf(t, dir, name)
		job.SSM = map[string]string{"/empty": ""}
		o := runJob(t, root, job)
		text := strings.Join(o.log, "\n")
		if o.Status != component.Failed || !strings.Contains(text, want) || o.FirstFailure == nil || o.FirstFailure.Name != "Go" || o.FirstFailure.Document != name {
			t.Errorf("%s ended as %s, want %q in\n%s", name, summary(o.Result), want, text)
		}
	}
	// Three levels are allowed.
	if o := runJob(t, root, jobOf(t, dir, "1.yml")); o.Status != component.Success {
		t.Errorf("three levels ended as %s", summary(o.Result))
	}
}

// TestResolver holds that documents and parameters come over the pipe, and that secrets show nowhere.
func TestResolver(t *testing.T) {
	for _, kind := range []string{component.RootHost, component.RootOverlay} {
		t.Run(kind, func(t *testing.T) {
			root := openRoot(t, component.RootSpec{Kind: kind})
			const arn = "arn:aws:imagebuilder:eu-west-1:123456789012:component/x/1.0.0/1"
			k := &known{
				parameters: map[string]string{"/plain": "visible", "/ref": "/plain", "/lines": "a\nb"},
				secrets:    map[string]string{"/secret": "hunter2-hunter2"},
				documents:  map[string]string{arn: steps("{name: In, action: ExecuteBash, inputs: {commands: ['echo from arn {{ aws:ssm:/secret }}']}}").Source, "s3://bucket/key.yml": steps("{name: In, action: ExecuteBash, inputs: {commands: [echo from s3]}}").Source},
			}
			o := runJob(t, root, component.Job{Resolver: k, Documents: []component.JobDocument{steps(
				"{name: Plain, action: ExecuteBash, inputs: {commands: ['echo {{ aws:ssm:/plain }} {{ aws:ssm:resolve(aws:ssm:/ref) }}']}}",
				"{name: Secret, action: ExecuteBash, inputs: {commands: ['echo {{ aws:ssm:/secret }} | tee /dev/stderr']}}",
				"{name: Kept, action: ExecuteBash, inputs: {commands: ['[ \"{{ build.Secret.outputs.stdout }}\" = {{ aws:ssm:/secret }} ] && echo same']}}",
				"{name: Path, action: ExecuteBinary, inputs: {path: /bin/echo, arguments: ['{{ aws:ssm:/secret }}']}}",
				"{name: Fail, action: ExecuteBash, onFailure: Ignore, inputs: {commands: ['echo {{ aws:ssm:/secret }} >&2; exit 1']}}",
				"{name: Lines, action: ExecuteBash, onFailure: Ignore, inputs: {commands: ['echo {{ aws:ssm:/lines }}']}}",
				"{name: None, action: ExecuteBash, onFailure: Ignore, inputs: {commands: ['echo {{ aws:ssm:/none }}']}}",
				"{name: ARN, action: ExecuteDocument, inputs: {document: '"+arn+"'}}",
				"{name: S3, action: ExecuteDocument, inputs: {document: 's3://bucket/key.yml', document-s3-bucket-owner: '123456789012'}}",
				"{name: Denied, action: ExecuteDocument, onFailure: Ignore, inputs: {document: 's3://bucket/none.yml'}}",
			)}})
			if o.Failed > 0 || o.IgnoredFailed != 4 {
				t.Fatal(summary(o.Result))
			}
			if got := stdout(o.Steps[0]); got != "visible visible" {
				t.Errorf("the parameters gave %q", got)
			}
			if got := stdout(o.Steps[2]); got != "same" {
				t.Errorf("a secret did not reach a later step: %q", got)
			}
			all := fmt.Sprintf("%+v %+v %q", o.Result, o.Steps, o.log)
			if strings.Contains(all, "hunter2") || !strings.Contains(all, "****") {
				t.Errorf("a secret shows:\n%s", all)
			}
			for i, want := range map[int]string{5: "has several lines", 6: "there is no parameter /none", 9: "access denied"} {
				if !strings.Contains(o.Steps[i].Message, want) {
					t.Errorf("%s ended with %q, want %q", o.Steps[i].Name, o.Steps[i].Message, want)
				}
			}
			if !slices.Contains(k.asked, "s3://bucket/key.yml 123456789012") || slices.Contains(k.asked[slices.Index(k.asked, "/plain")+1:], "/plain") {
				t.Errorf("asked were %q", k.asked)
			}
		})
	}
}

// TestRebootExit restarts a machine again and again: each run ends where the reboot is and the next goes on there.
func TestRebootExit(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	dir := documents(t, map[string]string{
		"top.yml": `{name: First, action: ExecuteBash, inputs: {commands: [echo first >> log]}}
{name: Again, action: ExecuteBash, if: {not: {fileExists: decided}}, maxAttempts: 2, inputs: {commands: ['touch decided; echo again >> log', '[ -e rebooted ] || { touch rebooted; exit 194; }']}}
{name: Reboot, action: Reboot}
{name: Nested, action: ExecuteDocument, loop: {forEach: [x, y]}, inputs: {document: sub.yml, parameters: [{name: Item, value: '{{ loop.value }}'}]}}
{name: Last, action: ExecuteBash, inputs: {commands: ['echo "{{ build.First.inputs.commands }}; {{ build.Nested.outputs.executedStepCount }}"']}}`,
	})
	sub := "schemaVersion: 1.0\nparameters:\n- Item: {type: string}\nphases:\n- name: build\n  steps:\n" +
		"  - {name: Before, action: ExecuteBash, inputs: {commands: ['echo before {{ Item }} >> log']}}\n" +
		"  - {name: Restart, action: Reboot}\n" +
		"  - {name: After, action: ExecuteBash, inputs: {commands: ['echo after {{ Item }} >> log']}}\n"
	writeFile(t, dir+"/sub.yml", sub)
	job := jobOf(t, dir, "top.yml")
	job.Reboots, job.StateDirectory = component.RebootExit, dir+"/state"
	job.Documents = append(job.Documents, component.JobDocument{Name: "second", Source: steps("{name: End, action: ExecuteBash, inputs: {commands: [echo end >> log]}}").Source})
	for run := range 4 {
		o := runJob(t, root, job)
		if !o.Reboot || o.Status != component.Success {
			t.Fatalf("run %d ended as %s", run, summary(o.Result))
		}
		state, err := component.ReadState(job.StateDirectory)
		if err != nil || state == nil || state.Job.Documents[0].Name != "top.yml" {
			t.Fatalf("run %d left the state %+v, %v", run, state, err)
		}
		// What a later run is asked to do does not matter: it takes up what was begun.
		job.Documents = []component.JobDocument{{Name: "other", Source: steps("{name: Other, action: ExecuteBash, inputs: {commands: [echo other >> log]}}").Source}}
	}
	o := runJob(t, root, job)
	if o.Reboot || o.Status != component.Success || o.ExecutedSteps != 6 || len(o.Steps) != 6 {
		t.Fatal(summary(o.Result))
	}
	if got, want := stdout(o.Steps[4]), "echo first >> log; 3\n3"; got != want {
		t.Errorf("what was kept over the reboots is %q, want %q", got, want)
	}
	raw, err := os.ReadFile(dir + "/log")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(raw), "first\nagain\nagain\nbefore x\nafter x\nbefore y\nafter y\nend\n"; got != want {
		t.Errorf("the steps ran as %q, want %q", got, want)
	}
	if state, err := component.ReadState(job.StateDirectory); state != nil || err != nil {
		t.Errorf("the state is still there: %+v, %v", state, err)
	}
	// With nothing left to take up, the next run is a new one.
	if o = runJob(t, root, job); len(o.Steps) != 1 || o.Steps[0].Name != "Other" {
		t.Errorf("the next run ended as %s", summary(o.Result))
	}
}

// TestStateIsOthers holds that a state directory with something else in it is an error, not a fresh start.
func TestStateIsOthers(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	dir := t.TempDir()
	writeFile(t, dir+"/state.json", "{nonsense")
	job := component.Job{Reboots: component.RebootExit, StateDirectory: dir, Documents: []component.JobDocument{bash("build", "true")}}
	if _, err := root.Run(t.Context(), job, func(component.Event) {}); err == nil || !strings.Contains(err.Error(), "holds something else") {
		t.Errorf("the run ended with %v", err)
	}
	job.StateDirectory = ""
	if _, err := root.Run(t.Context(), job, func(component.Event) {}); err == nil || !strings.Contains(err.Error(), "needs a state directory") {
		t.Errorf("the run ended with %v", err)
	}
}
