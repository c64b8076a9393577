package session

import (
	"errors"
	"fmt"
)

// ErrNoObject is the answer of Objects.Get where there is no such object.
var ErrNoObject = errors.New("there is no such object")

// A DroppedError is a connection that ended under a command, which may have run.
type DroppedError struct{ Cause error }

func (e *DroppedError) Error() string { return fmt.Sprintf("the connection was lost: %v", e.Cause) }

// Unwrap is what was noticed of it.
func (e *DroppedError) Unwrap() error { return e.Cause }

// A RefusedError is an answer that another attempt will not change: wrong credentials, a certificate
// that is not the pinned one, settings that cannot work.
type RefusedError struct {
	Why    string // a sentence
	Advice string // a sentence; may be empty
	Cause  error
}

func (e *RefusedError) Error() string {
	if e.Advice == "" {
		return e.Why
	}
	return e.Why + " " + e.Advice
}

// Unwrap is the cause.
func (e *RefusedError) Unwrap() error { return e.Cause }

// dropped says whether a connection ended under a command.
func dropped(err error) bool {
	_, ok := errors.AsType[*DroppedError](err)
	return ok
}

// refused says whether trying again is of no use.
func refused(err error) bool {
	_, ok := errors.AsType[*RefusedError](err)
	return ok
}
