package component_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/org/imagebuild-action/internal/component"
)

// openRoot opens a root, or skips the test where that kind cannot be had.
func openRoot(tb testing.TB, spec component.RootSpec) component.Root {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	if spec.Scratch == "" {
		spec.Scratch = tb.TempDir()
	}
	root, err := component.OpenRoot(tb.Context(), spec, self)
	if err != nil {
		if os.Geteuid() != 0 || errors.Is(err, fs.ErrPermission) || onOverlay(tb, spec.Scratch) {
			tb.Skip(err)
		}
		tb.Fatal(err)
	}
	return root
}

// onOverlay reports whether a directory is on an overlay already, as everything in a container is:
// the kernel makes no second one there.
func onOverlay(tb testing.TB, dir string) bool {
	tb.Helper()
	const overlayMagic = 0x794c7630 // statfs(2)
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		tb.Fatal(err)
	}
	return st.Type == overlayMagic
}

// An outcome is a result and what was logged on the way.
type outcome struct {
	*component.Result
	log    []string
	events []component.Event
}

func runJob(tb testing.TB, root component.Root, job component.Job) outcome {
	tb.Helper()
	var o outcome
	result, err := root.Run(tb.Context(), job, func(e component.Event) {
		o.events = append(o.events, e)
		if e.Kind == component.LogLine {
			o.log = append(o.log, e.Line)
		}
	})
	if err != nil {
		tb.Fatalf("the run broke: %v", err)
	}
	o.Result = result
	return o
}

// bash is a document of one phase whose steps are scripts.
func bash(phase string, scripts ...string) component.JobDocument {
	d := &component.Document{Phases: []component.Phase{{Name: phase}}}
	for i, s := range scripts {
		d.Phases[0].Steps = append(d.Phases[0].Steps, component.Step{
			Name: "s" + strconv.Itoa(i), Action: "ExecuteBash", Inputs: component.Inputs{{"commands": []string{s}}},
		})
	}
	return component.JobDocument{Name: "doc.yml", Source: string(component.Render(d))}
}

func stdout(r component.StepResult) string {
	if len(r.Outputs) == 0 {
		return ""
	}
	return r.Outputs[0]["stdout"]
}

// TestRun runs the documents of each archive on this machine, inside a temporary directory that
// they know as $DIR. The comment holds parameters as NAME=VALUE and "phases=…".
func TestRun(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	eachArchive(t, "testdata/run/*.txtar", func(t *testing.T, a *txtar.Archive) []txtar.File {
		t.Helper()
		dir := t.TempDir()
		job := component.Job{WorkingDirectory: dir, SSM: map[string]string{"/app/key": "from ssm", "/app/ref": "/app/key"}}
		parameters := map[string]string{}
		for line := range strings.Lines(string(a.Comment)) {
			k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
			if k == "phases" {
				job.Phases = strings.Split(v, ",")
			} else if k != "" {
				parameters[k] = v
			}
		}
		var out []txtar.File
		for _, f := range a.Files {
			if strings.HasSuffix(f.Name, ".yml") {
				source := strings.ReplaceAll(string(f.Data), "$DIR", dir)
				job.Documents = append(job.Documents, component.JobDocument{Name: f.Name, Source: source, Parameters: parameters})
				out = append(out, f)
			}
		}
		o := runJob(t, root, job)
		return append(out,
			txtar.File{Name: "want.result", Data: []byte(normal(dir, summary(o.Result)))},
			txtar.File{Name: "want.log", Data: []byte(normal(dir, strings.Join(o.log, "\n")+"\n"))})
	})
}

// normal removes what differs from run to run.
func normal(dir, text string) string {
	text = strings.ReplaceAll(text, dir, "$DIR")
	text = regexp.MustCompile(`AWSTOE\d+`).ReplaceAllString(text, "AWSTOE#")
	return regexp.MustCompile(`script-\d+`).ReplaceAllString(text, "script-#")
}

func summary(r *component.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d executed, %d failed, %d ignored", r.Status, r.ExecutedSteps, r.Failed, r.IgnoredFailed)
	if r.FailureMessage != "" {
		fmt.Fprintf(&b, "; %s", r.FailureMessage)
	}
	b.WriteByte('\n')
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "%s.%s %s: %s", s.Phase, s.Name, s.Action, s.Status)
		if s.Message != "" {
			fmt.Fprintf(&b, " (%s)", s.Message)
		}
		for i, o := range s.Outputs {
			for _, k := range slices.Sorted(maps.Keys(o)) {
				fmt.Fprintf(&b, " %d.%s=%q", i, k, o[k])
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestEvents holds the order of events: one start and one end for each step, its lines between them.
func TestEvents(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	o := runJob(t, root, component.Job{WorkingDirectory: t.TempDir(), Documents: []component.JobDocument{bash("build", "echo one", "exit 7")}})
	var seen []string
	for _, e := range o.events {
		if e.Kind != component.LogLine {
			seen = append(seen, string(e.Kind)+" "+e.Step+" "+string(e.Status))
		}
		if e.Time.IsZero() || e.Kind == component.StepFinished && e.Duration <= 0 {
			t.Errorf("an event without its time: %+v", e)
		}
	}
	want := []string{
		"documentStarted  ", "phaseStarted  ", "stepStarted s0 ", "stepFinished s0 success",
		"stepStarted s1 ", "stepFinished s1 failed", "phaseFinished  failed", "documentFinished  failed",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("events %q", seen)
	}
	f := o.FirstFailure
	if f == nil || f.Name != "s1" || f.ExitCode != 7 || f.Message != "exit status 7" || f.Document != "doc.yml" {
		t.Errorf("the first failure is %+v", f)
	}
}

// TestOutputIsBounded holds that neither a flood of lines nor one endless line is kept, and that
// bytes which are no text pass.
func TestOutputIsBounded(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	o := runJob(t, root, component.Job{WorkingDirectory: t.TempDir(), Documents: []component.JobDocument{bash("build",
		"head -c 3000000 /dev/zero | tr '\\0' x; echo; printf 'a\\377b\\0c\\n'; yes line | head -n 50000; head -c 100000 /dev/zero | tr '\\0' e >&2",
	)}})
	if o.Status != component.Success {
		t.Fatalf("the run ended as %+v", o.Result)
	}
	longest, lines := 0, 0
	for _, l := range o.log {
		longest = max(longest, len(l))
		if l == "Stdout: line" {
			lines++
		}
	}
	if longest > 66<<10 || lines != 50000 {
		t.Errorf("the longest line has %d bytes, and %d of 50000 short ones came", longest, lines)
	}
	if !slices.Contains(o.log, "Stdout: a\ufffdb\x00c") {
		t.Error("the line that is no text is missing")
	}
	if n := len(stdout(o.Steps[0])); n != 64<<10 {
		t.Errorf("the result carries %d bytes of output", n)
	}
}

// TestSlowListener holds that no line is lost when a command ends long before its output was taken in.
func TestSlowListener(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	job := component.Job{WorkingDirectory: t.TempDir(), Documents: []component.JobDocument{bash("build", "seq 1 20000; sleep 300 & echo $! > pid; echo last")}}
	lines := 0
	result, err := root.Run(t.Context(), job, func(e component.Event) {
		if strings.HasPrefix(e.Line, "Stdout: ") {
			if lines++; lines == 1 {
				<-time.After(600 * time.Millisecond)
			}
		}
	})
	if err != nil || lines != 20001 || !strings.HasSuffix(stdout(result.Steps[0]), "\n20000\nlast") && len(stdout(result.Steps[0])) < 64<<10 {
		t.Errorf("%d of 20001 lines came (%v)", lines, err)
	}
	raw, err := os.ReadFile(job.WorkingDirectory + "/pid")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := os.FindProcess(pid)
	if err != nil || p.Kill() != nil {
		t.Errorf("the background process did not live on: %v", err)
	}
}

// TestTimeout holds that all of a step's process group ends with its time.
func TestTimeout(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	dir := t.TempDir()
	doc := bash("build", "echo slow as ever >&2; sleep 60 & echo $! > pid; sleep 60")
	doc.Source = strings.Replace(doc.Source, "action: ExecuteBash", "action: ExecuteBash\n        timeoutSeconds: 1", 1)
	start := time.Now()
	o := runJob(t, root, component.Job{WorkingDirectory: dir, Documents: []component.JobDocument{doc}})
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the run took %s", took)
	}
	if s := o.Steps[0]; s.Status != component.Failed || s.Message != "the step timed out after 1 seconds" || s.Stderr != "slow as ever" {
		t.Errorf("the step ended as %+v", s)
	}
	raw, err := os.ReadFile(dir + "/pid")
	if err != nil {
		t.Fatal(err)
	}
	if alive("/proc/" + strings.TrimSpace(string(raw))) {
		t.Error("the background process is alive")
	}
}

// alive reports whether a process runs; one that ended and was not waited for does not.
func alive(proc string) bool {
	stat, err := os.ReadFile(proc + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

// TestCancel holds that a run ends with its context, and says so.
func TestCancel(t *testing.T) {
	for _, kind := range []string{component.RootHost, component.RootOverlay} {
		t.Run(kind, func(t *testing.T) {
			root := openRoot(t, component.RootSpec{Kind: kind})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err := root.Run(ctx, component.Job{WorkingDirectory: "/tmp", Documents: []component.JobDocument{bash("build", "echo ready; sleep 60")}}, func(e component.Event) {
				if e.Line == "Stdout: ready" {
					cancel()
				}
			})
			if err == nil || ctx.Err() == nil || err.Error() != ctx.Err().Error() {
				t.Errorf("the run ended with %v", err)
			}
		})
	}
}

// TestNone holds that nothing runs and nothing claims to have.
func TestNone(t *testing.T) {
	dir := t.TempDir()
	root, err := component.OpenRoot(t.Context(), component.RootSpec{Kind: component.RootNone}, "")
	if err != nil {
		t.Fatal(err)
	}
	o := runJob(t, root, component.Job{Documents: []component.JobDocument{bash("build", "touch "+dir+"/made")}})
	if o.Status != component.NotRun || len(o.Steps) != 1 || o.Steps[0].Status != component.NotRun || o.ExecutedSteps != 0 {
		t.Errorf("the result is %+v", o.Result)
	}
	if !slices.Contains(o.log, "ExecuteBash: not run") {
		t.Errorf("the log is %q", o.log)
	}
	if _, err := os.Stat(dir + "/made"); err == nil {
		t.Error("the step ran")
	}
}

func TestOpenRootRefusals(t *testing.T) {
	self := cmp.Or(os.Args[0], "x")
	for _, kind := range []string{"chroot", "dir:/no/such/place", "dir:" + writeFile(t, t.TempDir()+"/f", "")} {
		if root, err := component.OpenRoot(t.Context(), component.RootSpec{Kind: kind}, self); err == nil {
			t.Errorf("%s opened as %s", kind, root.Describe())
		}
	}
	// A program that is no agent makes auto fall back, and say why.
	root, err := component.OpenRoot(t.Context(), component.RootSpec{Kind: component.RootAuto, Scratch: t.TempDir()}, "/bin/false")
	if err != nil || root.Kind() != component.RootNone || !strings.Contains(root.Describe(), "because") {
		t.Errorf("auto gave %q, %v", root.Describe(), err)
	}
}

func BenchmarkStep(b *testing.B) {
	root := openRoot(b, component.RootSpec{Kind: component.RootHost})
	var text strings.Builder
	text.WriteString("schemaVersion: 1.0\nphases:\n- name: build\n  steps:\n")
	const steps = 500
	dir := b.TempDir()
	for i := range steps {
		fmt.Fprintf(&text, "  - {name: s%d, action: CreateFolder, inputs: [{path: %s}]}\n", i, dir)
	}
	job := component.Job{Documents: []component.JobDocument{{Name: "d", Source: text.String()}}}
	for b.Loop() {
		runJob(b, root, job)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/steps, "µs/step")
}

func BenchmarkBash(b *testing.B) {
	root := openRoot(b, component.RootSpec{Kind: component.RootHost})
	scripts := make([]string, 50)
	for i := range scripts {
		scripts[i] = ":"
	}
	job := component.Job{Documents: []component.JobDocument{bash("build", scripts...)}}
	for b.Loop() {
		runJob(b, root, job)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/50, "µs/step")
}

func BenchmarkOverlay(b *testing.B) {
	root := openRoot(b, component.RootSpec{Kind: component.RootOverlay})
	for b.Loop() {
		runJob(b, root, component.Job{Documents: []component.JobDocument{bash("build", ":")}})
	}
}

func BenchmarkOutput(b *testing.B) {
	root := openRoot(b, component.RootSpec{Kind: component.RootHost})
	job := component.Job{Documents: []component.JobDocument{bash("build", "yes 0123456789012345678901234567890123456789012345678901234567890123456789012345678 | head -c 20000000")}}
	b.SetBytes(20_000_000)
	for b.Loop() {
		if _, err := root.Run(b.Context(), job, func(component.Event) {}); err != nil {
			b.Fatal(err)
		}
	}
}
