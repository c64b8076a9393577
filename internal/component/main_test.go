package component_test

import (
	"os"
	"testing"

	"github.com/org/imagebuild-action/internal/component"
)

// TestMain lets this test binary be its own agent.
func TestMain(m *testing.M) {
	if handled, code := component.AgentMain(os.Args); handled {
		os.Exit(code)
	}
	os.Exit(m.Run())
}
