package component

// Limits bound what one run may use. How each is enforced is part of what [Root.Describe] says; a
// limit that cannot be enforced makes [OpenRoot] fail.
type Limits struct {
	Memory    int64 // bytes; 0 for no limit
	Processes int   // processes and threads at a time; 0 for no limit
	Disk      int64 // bytes that the root may grow by; 0 for no limit
}

// The networks a RootSpec may ask for.
const (
	NetworkHost = "host" // the machine's
	NetworkNone = "none" // one of its own, with nothing but a loopback interface
)

// A remainder is what of the limits no control group enforces. Process 1 of the root enforces it.
type remainder struct {
	Data      int64 `json:"data,omitempty"`      // bytes of memory of each process
	Processes int   `json:"processes,omitempty"` // processes of the user namespace
	Disk      int64 `json:"disk,omitempty"`      // bytes by which the root may grow
}
