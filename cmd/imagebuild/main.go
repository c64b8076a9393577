// Command imagebuild plans and builds machine images on AWS, or on a sandbox of its own.
//
// This package is the process: flags, streams, environment, signals and exit status. What to build is
// decided by dsl and planner, done by executor, and told by internal/report; nothing here computes it.
package main

import (
	"context"
	"os"
	"time"
	_ "time/tzdata" // schedules are checked against time zones, also where the machine has none

	"github.com/org/imagebuild-action/internal/component"
)

func main() {
	if handled, status := component.AgentMain(os.Args); handled {
		os.Exit(status)
	}
	collectLate()
	os.Exit(newProgram().run(context.Background(), actionArguments(os.Args)))
}

// newProgram is the program on this process's own streams and environment.
func newProgram() *program {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "."
	}
	return &program{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		lookupEnv: os.LookupEnv, environ: os.Environ,
		cwd: cwd, self: self, now: time.Now,
	}
}
