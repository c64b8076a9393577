package component_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/component"
)

// TestFailureRules holds what a step that fails comes to, and what becomes of what follows.
func TestFailureRules(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	const ok, failed, ignored, skipped = component.Success, component.Failed, component.IgnoredFailure, component.Skipped
	for name, c := range map[string]struct {
		step   string // what stands in the step besides its name
		status component.Status
		tries  int
		next   bool // whether the next step, phase and document run
		run    component.Status
		counts [3]int // executed, failed, ignored, when all runs
	}{
		"success":              {"action: ExecuteBash, inputs: {commands: ['echo x >> tries']}", ok, 1, true, component.Success, [3]int{4, 0, 0}},
		"default is Abort":     {"action: ExecuteBash, inputs: {commands: ['echo x >> tries; exit 1']}", failed, 1, false, failed, [3]int{1, 1, 0}},
		"Abort":                {"action: ExecuteBash, onFailure: Abort, inputs: {commands: ['echo x >> tries; exit 1']}", failed, 1, false, failed, [3]int{1, 1, 0}},
		"Ignore":               {"action: ExecuteBash, onFailure: Ignore, inputs: {commands: ['echo x >> tries; exit 1']}", ignored, 1, true, component.SuccessWithIgnoredFailure, [3]int{4, 0, 1}},
		"attempts":             {"action: ExecuteBash, maxAttempts: 3, inputs: {commands: ['echo x >> tries; exit 1']}", failed, 3, false, failed, [3]int{1, 1, 0}},
		"a later attempt":      {"action: ExecuteBash, maxAttempts: 3, inputs: {commands: ['echo x >> tries; [ $(wc -l < tries) = 2 ]']}", ok, 2, true, component.Success, [3]int{4, 0, 0}},
		"attempts and Ignore":  {"action: ExecuteBash, maxAttempts: 2, onFailure: Ignore, inputs: {commands: ['echo x >> tries; exit 1']}", ignored, 2, true, component.SuccessWithIgnoredFailure, [3]int{4, 0, 1}},
		"skipped":              {"action: ExecuteBash, if: {fileExists: /no/such}, inputs: {commands: ['echo x >> tries; exit 1']}", skipped, 0, true, component.Success, [3]int{4, 0, 0}},
		"aborted by its if":    {"action: ExecuteBash, if: {fileExists: /no/such, else: Abort}, inputs: {commands: ['echo x >> tries']}", failed, 0, false, failed, [3]int{1, 1, 0}},
		"aborted but ignored":  {"action: ExecuteBash, onFailure: Ignore, if: {fileExists: /no/such, else: Abort}, inputs: {commands: ['echo x >> tries']}", ignored, 0, true, component.SuccessWithIgnoredFailure, [3]int{4, 0, 1}},
		"unsupported":          {"action: SetRegistry, inputs: [{path: 'HKLM:\\A', name: a, value: 1, type: DWORD}]", component.Unsupported, 0, false, failed, [3]int{1, 1, 0}},
		"timeouts per attempt": {"action: ExecuteBash, timeoutSeconds: 1, maxAttempts: 2, inputs: {commands: ['echo x >> tries; sleep 30']}", failed, 2, false, failed, [3]int{1, 1, 0}},
		"a loop is retried whole": {
			"action: ExecuteBash, maxAttempts: 2, loop: {forEach: [a, b, c]}, inputs: {commands: ['echo {{ loop.value }} >> tries; [ {{ loop.value }} != b ]']}",
			failed, 4, false, failed,
			[3]int{1, 1, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			echo := func(name string) string {
				return "{name: " + name + ", action: ExecuteBash, inputs: {commands: [echo ran]}}"
			}
			first := steps("{name: It, "+c.step+"}", echo("Next"))
			first.Source += "- name: validate\n  steps:\n  - " + echo("Later") + "\n"
			o := runJob(t, root, component.Job{WorkingDirectory: dir, Documents: []component.JobDocument{first, steps(echo("Other"))}})
			if o.Steps[0].Status != c.status || o.Status != c.run || (len(o.Steps) == 4) != c.next {
				t.Errorf("it came to %s", summary(o.Result))
			}
			if got := [3]int{o.ExecutedSteps, o.Failed, o.IgnoredFailed}; got != c.counts {
				t.Errorf("the counts are %v, want %v", got, c.counts)
			}
			if got := lines(dir + "/tries"); got != c.tries {
				t.Errorf("it was tried %d times, want %d", got, c.tries)
			}
		})
	}
}

// TestContinue holds that the steps and phases of the document run, that it failed nevertheless, and
// that no further document starts.
func TestContinue(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	o := runJob(t, root, component.Job{WorkingDirectory: t.TempDir(), Documents: []component.JobDocument{
		steps("{name: It, action: ExecuteBash, onFailure: Continue, inputs: {commands: [exit 1]}}", "{name: Next, action: ExecuteBash, inputs: {commands: [echo ran]}}"),
		bash("build", "echo never"),
	}})
	if o.Status != component.Failed || len(o.Steps) != 2 || o.Steps[1].Status != component.Success || o.Failed != 1 {
		t.Error(summary(o.Result))
	}
}

// TestLoopForms holds every form of a loop and every delimiter.
func TestLoopForms(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	cases := map[string]string{
		"{for: {start: 1, end: 3, updateBy: 1}}":           "0=1 1=2 2=3",
		"{for: {start: 1, end: 4, updateBy: 2}}":           "0=1 1=3",
		"{for: {start: 3, end: -1, updateBy: -2}}":         "0=3 1=1 2=-1",
		"{for: {start: 7, end: 7, updateBy: -1}}":          "0=7",
		"{forEach: [a, b b, 1.10]}":                        "0=a 1=b b 2=1.10",
		"{name: L, forEach: [a, '{{ Name }}']}":            "0=a 1=x,y",
		"{forEach: {list: 'a,b'}}":                         "0=a 1=b",
		"{forEach: {list: '{{ Name }}'}}":                  "0=x 1=y",
		"{forEach: {list: 'a'}}":                           "0=a",
		"{forEach: {list: 'a,,b'}}":                        "0=a 1= 2=b",
		"{forEach: {list: \"a\\nb\", delimiter: \"\\n\"}}": "0=a 1=b",
		"{forEach: {list: \"a\\tb\", delimiter: \"\\t\"}}": "0=a 1=b",
	}
	for _, d := range []string{".", ",", ";", ":", " ", "-", "_"} {
		cases["{forEach: {list: 'a"+d+"b', delimiter: '"+d+"'}}"] = "0=a 1=b"
	}
	var list []string
	var want []string
	for loop, w := range cases {
		list = append(list, fmt.Sprintf("{name: s%d, action: ExecuteBinary, loop: %s, inputs: {path: printf, arguments: ['%%s', '{{ loop.index }}={{ loop.value }}']}}", len(list), loop))
		want = append(want, strings.ReplaceAll(w, " ", "\n"))
	}
	doc := steps(list...)
	doc.Source = "constants:\n- Name: {type: string, value: 'x,y'}\n" + doc.Source
	o := runJob(t, root, component.Job{WorkingDirectory: t.TempDir(), Documents: []component.JobDocument{doc}})
	if o.Status != component.Success {
		t.Fatal(summary(o.Result))
	}
	for i, s := range o.Steps {
		if got := strings.ReplaceAll(stdout(s), " ", "\n"); got != want[i] {
			t.Errorf("%s gave %q, want %q", list[i], got, want[i])
		}
	}
}

// TestDisableLogging holds that nothing of such a step is logged, and that later steps can refer to it.
func TestDisableLogging(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	dir := documents(t, map[string]string{
		"top.yml": "{name: Quiet, action: ExecuteBash, disableLogging: true, inputs: {commands: ['echo hunter2; echo hunter2 >&2']}}\n" +
			"{name: Fails, action: ExecuteBash, disableLogging: true, onFailure: Ignore, inputs: {commands: ['echo hunter2 >&2; exit 1']}}\n" +
			"{name: Nested, action: ExecuteDocument, disableLogging: true, inputs: {document: sub.yml}}\n" +
			"{name: Same, action: ExecuteBash, inputs: {commands: ['echo {{ build.Quiet.outputs.stdout }} | md5sum']}, disableLogging: true}\n" +
			"{name: Length, action: Assert, inputs: {stringEquals: '{{ build.Quiet.outputs.stdout }}', value: 'HUNTER2'}}",
		"sub.yml": "{name: In, action: ExecuteBash, inputs: {commands: ['echo hunter2']}}",
	})
	o := runJob(t, root, jobOf(t, dir, "top.yml"))
	if o.Status != component.SuccessWithIgnoredFailure {
		t.Fatal(summary(o.Result))
	}
	if all := fmt.Sprintf("%+v %q %+v", o.Result, o.log, o.events); strings.Contains(all, "hunter2") {
		t.Errorf("the log tells:\n%s", strings.Join(o.log, "\n"))
	}
}

func lines(file string) int {
	raw, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	return strings.Count(string(raw), "\n")
}
