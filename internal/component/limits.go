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
