package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// machinesWanted is how many machines a fleet's health check asks for; false where the configuration has none.
func machinesWanted(settings planner.Object) (want int64, check map[string]any, ok bool) {
	check, ok = settings["health_check"].(map[string]any)
	want, _ = check["instances"].(int64)
	return want, check, ok
}

// healthy holds a fleet to its health check: so many machines available and no errors. What comes after it in the
// graph waits for that.
func (a *appstreamDriver) healthy(ctx context.Context, t *turn) error {
	want, check, ok := machinesWanted(t.change.Settings)
	if !ok {
		return nil
	}
	bound := healthBound
	if n, given := check["timeout"].(int64); given {
		bound = time.Duration(n) * time.Second
	}
	last := ""
	err := a.watchFleet(ctx, t, bound, func(fleet object, _ time.Duration) (bool, error) {
		if e := fatal(list(fleet, "FleetErrors")); e != nil {
			return false, t.fail(text(e, "ErrorCode"), "fleet %s is not healthy: %s", t.name(), withHint(e))
		}
		have := machines(fleet)
		last = fmt.Sprintf("%d of %d machines available", have, want)
		return text(fleet, "State") == running && have >= want, nil
	})
	if f, timed := errors.AsType[*executor.Failure](err); timed && f.Code == "Timeout" {
		return t.fail("Unhealthy", "fleet %s is not healthy after %s: %s. What comes after it was not touched.", t.name(), bound, cmp.Or(last, "no machine is available"))
	}
	return err
}

// unwell is what a RUNNING fleet lacks of the health that is asked for; "" for nothing.
func unwell(settings planner.Object, fleet object) string {
	want, _, ok := machinesWanted(settings)
	if !ok || text(fleet, "State") != running {
		return ""
	}
	if e := fatal(list(fleet, "FleetErrors")); e != nil {
		return text(e, "ErrorCode")
	}
	if have := machines(fleet); have < want {
		return fmt.Sprintf("%d of %d machines available", have, want)
	}
	return ""
}

// machines are those of a fleet that came up: free ones, and ones that users stream from (API Reference,
// ComputeCapacityStatus).
func machines(fleet object) int64 {
	status := sub(fleet, "ComputeCapacityStatus")
	return whole(status["Available"]) + whole(status["InUse"])
}

func whole(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}
