package main

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/org/imagebuild-action/internal/component"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// TestMain lets the test binary be imagebuild for the scripts, and its own agent inside isolated roots.
func TestMain(m *testing.M) {
	if handled, status := component.AgentMain(os.Args); handled {
		os.Exit(status)
	}
	// Most of a script is waiting: more of them than there are processors run at once, unless -parallel says otherwise.
	if err := flag.Set("test.parallel", strconv.Itoa(max(5, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"imagebuild": main})
}

// TestScripts runs the program as its users do: testdata/script holds a session each.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Cmds:          scriptCommands(),
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLES", examplesDir(t))
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/.cache")
			e.Setenv(registryVariable, noRegistry) // no test asks a registry
			e.Values[scriptGitHub{}] = &scriptGitHub{}
			return nil
		},
	})
}
