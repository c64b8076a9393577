package sandbox

import (
	"time"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// A call is one request after routing and checking.
type call struct {
	op      *awsmodel.Operation // nil for the few operations that have no model
	name    string              // the operation's name
	in      object
	region  string
	account string
	caller  string // the ARN of who is calling
	user    string // and its user id
	id      string // the request id
	number  int    // counts the calls of this operation from 1
	now     time.Time
}

// An answer carries out one operation. It runs with the state locked: no other call sees it half done.
type answer func(*call) (object, error)
