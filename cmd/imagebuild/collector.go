package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// collectLate keeps the garbage collector from starting before the process holds 80 MiB. By itself
// it starts at 4 MiB, and again at each doubling, which costs a command that is over in a moment a
// third of its time: most never collect, and a plan of a thousand images collects thrice instead of
// a dozen times. As soon as more than half of that is in use, the collector's ordinary pace is as
// good, and it is left to it; so a long build or a large configuration is collected as ever.
// Whoever sets GOGC or GOMEMLIMIT decides instead.
func collectLate() {
	const held = 80 << 20
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if _, set := os.LookupEnv(name); set {
			return
		}
	}
	percent := debug.SetGCPercent(-1)
	debug.SetMemoryLimit(held)
	afterCollection(func() (again bool) {
		if liveHeap() <= held/2 {
			return true
		}
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(math.MaxInt64)
		return false
	})
}

// afterCollection calls f after every collection until it returns false.
func afterCollection(f func() (again bool)) {
	// An object that nothing refers to: the next collection finds it. It holds a pointer because
	// the small ones without are allocated together, and go together.
	runtime.AddCleanup(new(struct{ _ *int }), func(f func() bool) {
		if f() {
			afterCollection(f)
		}
	}, f)
}

// liveHeap is what the last collection found in use, in bytes.
func liveHeap() uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return live[0].Value.Uint64()
}
