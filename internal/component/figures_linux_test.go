package component_test

import (
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/org/imagebuild-action/internal/component"
)

// peak is a last step that prints how much memory (KiB) the engine's process has taken at most.
const peak = "awk '/VmHWM/ {print $2}' /proc/$PPID/status"

// maxEngine is what the engine may take whatever steps print.
const maxEngine = 100 << 10 // KiB

// printing runs a step that prints so many bytes and returns the engine's peak in KiB and how many
// bytes of its output were logged.
func printing(tb testing.TB, root component.Root, bytes int) (engine, logged int) {
	tb.Helper()
	const line = "Stdout: "
	job := component.Job{Documents: []component.JobDocument{bash("build", fmt.Sprintf("yes 0123456789012345678901234567890123456789012345678901234567890123456789012345678 | head -c %d", bytes), peak)}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	result, err := root.Run(tb.Context(), job, func(e component.Event) {
		if e.Step == "s0" && strings.HasPrefix(e.Line, line) {
			logged += len(e.Line) - len(line) + 1
		}
	})
	if err != nil {
		tb.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if grown := int(after.HeapInuse) - int(before.HeapInuse); grown > 64<<20 {
		tb.Errorf("this process grew by %d MiB", grown>>20)
	}
	if engine, err = strconv.Atoi(stdout(result.Steps[1])); err != nil {
		tb.Fatal(err)
	}
	return engine, logged
}

// TestMemoryUnderOutput holds that output is streamed and not kept. The benchmark does the same with
// 200 MB and 1 GiB.
func TestMemoryUnderOutput(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	const size = 16_000_000
	engine, logged := printing(t, root, size)
	if engine > maxEngine {
		t.Errorf("the engine took %d MiB", engine>>10)
	}
	// One more line says how much of it later steps can refer to.
	if logged < size || logged > size+200 {
		t.Errorf("%d of %d bytes were logged", logged, size)
	}
}

func BenchmarkMemoryUnderOutput(b *testing.B) {
	root := openRoot(b, component.RootSpec{Kind: component.RootHost})
	for name, size := range map[string]int{"200MB": 200_000_000, "1GiB": 1 << 30} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				engine, logged := printing(b, root, size)
				if engine > maxEngine || logged < size {
					b.Errorf("the engine took %d MiB, and %d of %d bytes were logged", engine>>10, logged, size)
				}
				b.ReportMetric(float64(engine)/1024, "MiB-peak")
			}
		})
	}
}

// longDocument has 53 steps that start a program, the last of which does so 1000 times.
func longDocument() component.JobDocument {
	list := make([]string, 52, 53)
	for i := range list {
		list[i] = "{name: s" + strconv.Itoa(i) + ", action: ExecuteBinary, inputs: {path: /bin/true}}"
	}
	return steps(append(list, "{name: loop, action: ExecuteBinary, loop: {for: {start: 1, end: 1000, updateBy: 1}}, inputs: {path: /bin/true}}")...)
}

// programs starts the same program as often, with nothing around it.
func programs(tb testing.TB, n int) time.Duration {
	tb.Helper()
	start := time.Now()
	for range n {
		if err := exec.CommandContext(tb.Context(), "/bin/true").Run(); err != nil {
			tb.Fatal(err)
		}
	}
	return time.Since(start)
}

// BenchmarkOwnTime reports what the engine adds to the programs that a document starts, per step and
// iteration.
func BenchmarkOwnTime(b *testing.B) {
	root := openRoot(b, component.RootSpec{Kind: component.RootHost})
	job := component.Job{Documents: []component.JobDocument{longDocument()}}
	const runs = 52 + 1000
	bare := programs(b, runs)
	for b.Loop() {
		if o := runJob(b, root, job); o.Status != component.Success {
			b.Fatal(summary(o.Result))
		}
	}
	own := (b.Elapsed()/time.Duration(b.N) - bare) / runs
	b.ReportMetric(float64(own.Microseconds()), "own-µs/step")
	if own > 2*time.Millisecond {
		b.Errorf("the engine adds %s to each step", own)
	}
}
