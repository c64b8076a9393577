package component

import (
	"runtime"
	"sync"
)

// Limits bound what one run may use. How each is enforced is part of what [Root.Describe] says; a
// limit that cannot be enforced makes [OpenRoot] fail.
type Limits struct {
	Memory    int64 // bytes; 0 for no limit
	Processes int   // processes and threads at a time; 0 for no limit
	Disk      int64 // bytes that the root may grow by; 0 for no limit
}

// The networks a RootSpec may ask for.
const (
	NetworkHost    = "host"    // the machine's
	NetworkNone    = "none"    // one of its own, with nothing but a loopback interface
	NetworkPrivate = "private" // one of its own, with a way to public addresses alone
	NetworkAuto    = "auto"    // private where it is possible, else the machine's, without its abstract sockets where the kernel can close them

	networkScoped = "scoped" // what auto falls back to
)

// A remainder is what of the limits no control group enforces. Process 1 of the root enforces it.
type remainder struct {
	Data      int64 `json:"data,omitempty"`      // bytes of memory of each process
	Processes int   `json:"processes,omitempty"` // processes of the user namespace
	Disk      int64 `json:"disk,omitempty"`      // bytes by which the root may grow
	// Threads says that processes are limited, by whatever means: the worker then makes its threads
	// before documents can use up what there is.
	Threads bool `json:"threads,omitempty"`
}

// engineThreads is as many threads as the worker ever needs at a time.
const engineThreads = 24

// keepThreads makes the threads of this process now. The runtime keeps threads that are idle, and ends
// the process when it needs one that cannot be made.
func keepThreads() {
	var running, all sync.WaitGroup
	release := make(chan struct{})
	running.Add(engineThreads)
	for range engineThreads {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			running.Done()
			<-release
		})
	}
	running.Wait()
	close(release)
	all.Wait()
}
