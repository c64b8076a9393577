package sandbox

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// A Fault makes calls of one operation fail or, with an effect, succeed and go wrong later.
type Fault struct {
	// Operation is the operation's name, with or without the service: "CreateImage", "appstream:CreateImageBuilder".
	Operation string `json:"operation"`
	// First is the first call that fails, counted from 1; 0 is 1.
	First int `json:"first,omitempty"`
	// Count is how many calls fail from there; 0 is 1, negative all.
	Count int `json:"count,omitempty"`
	// Code is the error code: "CallRateLimitExceededException". Of an effect it is the code that the thing
	// shows among its errors: "DOMAIN_JOIN_ERROR_ACCESS_DENIED".
	Code string `json:"code,omitempty"`
	// Status is the HTTP status; 0 takes the model's.
	Status  int    `json:"status,omitempty"`
	Message string `json:"message,omitempty"`

	// Effect is what happens to an AppStream resource that the call makes or changes; "" fails the call.
	Effect string `json:"effect,omitempty"`
	// Resource narrows an effect to names that match, with * and ?; "" is any.
	Resource string `json:"resource,omitempty"`
	// Describes is for how many descriptions the effects "no-address" and "late" last.
	Describes int `json:"describes,omitempty"`
}

// The effects of faults.
const (
	effectStuck      = "stuck"       // stays in the state the call brought it to, with Code among its errors if given
	effectFail       = "fail"        // goes to FAILED instead of where it should, with Code and Message as the reason
	effectNoAddress  = "no-address"  // the first Describes descriptions of a running builder show no address
	effectNewAddress = "new-address" // the builder comes back with another address
	effectLate       = "late"        // the first Describes descriptions do not know the new image yet
	effectOld        = "old"         // the new image has the agent of a year ago, so that there is something to update
	effectCut        = "cut"         // the builder's machine is off before create-image has answered
	effectDeprecated = "deprecated"  // the base image that the call names is DEPRECATED, whatever lists say
)

func effects() []string {
	return []string{effectStuck, effectFail, effectNoAddress, effectNewAddress, effectLate, effectOld, effectCut, effectDeprecated}
}

// ReadFaults reads a script of faults: a JSON array of objects with the members of Fault in camel case.
func ReadFaults(r io.Reader) ([]Fault, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	var faults []Fault
	if err := d.Decode(&faults); err != nil {
		return nil, fmt.Errorf("it must be a JSON array of faults: %w", err)
	}
	if d.More() {
		return nil, errors.New("it must be one JSON array, and something follows it")
	}
	for i, f := range faults {
		if err := f.check(); err != nil {
			return nil, fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	return faults, nil
}

func (f Fault) check() error {
	switch {
	case f.Operation == "":
		return errors.New(`it must name an "operation"`)
	case f.Effect == "" && f.Code == "":
		return errors.New(`it must have the "code" of the error to answer, or an "effect"`)
	case f.Effect != "" && !slices.Contains(effects(), f.Effect):
		return fmt.Errorf("there is no effect %q: it is one of %s", f.Effect, strings.Join(effects(), ", "))
	}
	if _, err := path.Match(f.Resource, ""); err != nil {
		return fmt.Errorf("the pattern %q cannot be read", f.Resource)
	}
	return nil
}

// hits is whether the fault is for the n-th call of an operation, which is written service:Name.
func (f Fault) hits(operation string, n int) bool {
	_, name, _ := strings.Cut(operation, ":")
	first, count := cmp.Or(f.First, 1), cmp.Or(f.Count, 1)
	return (f.Operation == name || f.Operation == operation) && n >= first && (count < 0 || n < first+count)
}

// mishap is whether the fault is one of the given effects, scripted for the call c and the name of what it is about.
func (f Fault) mishap(c *call, name string, effect ...string) bool {
	if !slices.Contains(effect, f.Effect) || !f.hits(c.op.Service+":"+c.op.Name, c.number) {
		return false
	}
	ok, err := path.Match(cmp.Or(f.Resource, "*"), name)
	return ok && err == nil
}
