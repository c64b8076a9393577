//go:build !unix

package component

import "os/exec"

// ownGroup has nothing to do where there are no process groups.
func ownGroup(*exec.Cmd) {}

// killGroup ends the command alone. That it may have ended already is no error.
func killGroup(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
}
