//go:build !linux

package component

import (
	"context"
	"errors"
	"fmt"
)

// elsewhere is why nothing runs on other systems than Linux.
func elsewhere() error {
	return fmt.Errorf("%w: component documents run on Linux alone", errors.ErrUnsupported)
}

func (r Root) supported() error { return &RootError{r.kind, elsewhere()} }

func (r Root) probe(context.Context) error { return elsewhere() }

func (r Root) isolated(context.Context, Job, func(Event)) (*Result, error) {
	return nil, &RootError{r.kind, elsewhere()}
}

func (r *Root) enforced() (string, error) { return "", elsewhere() }

func agentInit() error { return elsewhere() }

func guard() error { return elsewhere() }

func (m remainder) apply() error {
	if m.Data > 0 || m.Processes > 0 || m.Disk > 0 {
		return elsewhere()
	}
	return nil
}

func (r Root) privateMirrors(context.Context) []string { return nil }

func canCloseAbstractSockets() bool { return false }
