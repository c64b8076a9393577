package executor

// A MachineGoneError says that a machine that a session works in was deleted, so that no attempt to reach it helps.
type MachineGoneError struct{ Name string }

func (e *MachineGoneError) Error() string {
	return "machine " + e.Name + " is gone: something else deleted it. Run the same command again to build on a new one"
}
