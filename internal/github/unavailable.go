package github

import "errors"

// UnavailableError says that GitHub or the runner does not offer something to this job, by design or by its
// permissions. A run goes on without it and tells the user.
type UnavailableError struct {
	// What is missing, as the subject of a sentence: "comments on pull requests".
	What string
	// Why, and what to do about it: one or more sentences.
	Why string
	// Err is what the server said, if it was asked.
	Err error
}

// Error returns What and Why.
func (e *UnavailableError) Error() string { return e.What + " not available: " + e.Why }

// Unwrap returns Err.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Unavailable returns the UnavailableError in err's chain, nil where there is none.
func Unavailable(err error) *UnavailableError {
	u, _ := errors.AsType[*UnavailableError](err)
	return u
}
