package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/org/imagebuild-action/planner"
)

// A ledger says what a step is about to make, before it makes any of it, so that the step after it can
// clean up even when this one was killed. It goes to the runner's state file and to a file in the home directory.
// Nothing of it is secret.
type ledger struct {
	Run      string   `json:"run"` // the tag of what is made
	Region   string   `json:"region"`
	Account  string   `json:"account"`
	OnCancel string   `json:"on_cancel"`
	Images   []string `json:"images"` // the ARNs of the image versions that may be built
	// Machines says that AppStream image builders may be made.
	Machines bool      `json:"machines"`
	Written  time.Time `json:"written"`
	// Settled says that everything was done and told, and nothing is left to do.
	Settled bool `json:"settled"`
}

const ledgerName = "ledger"

// ledgerOf is the ledger of carrying out a plan.
func (a *action) ledgerOf(plan *planner.Plan) (ledger, error) {
	l := ledger{Run: a.runTag(), OnCancel: a.in["on-cancel"], Written: a.p.now().UTC()}
	doc, err := planner.ParsePlan(plan.JSON())
	if err != nil {
		return l, err
	}
	l.Region, l.Account = doc.Region, plan.Account
	if a.in.is("sandbox") {
		return l, nil // it ends with the step, and all that it makes
	}
	for _, c := range doc.Changes {
		l.Machines = l.Machines || c.Call != nil && c.Call.Service == "appstream"
		if c.Kind == "image" && c.Verb != planner.None && c.ARN != nil {
			l.Images = append(l.Images, *c.ARN)
		}
	}
	return l, nil
}

// keep writes the ledger. A run whose ledger cannot be written anywhere is not begun.
func (a *action) keep(l ledger) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("writing the ledger: %w", err)
	}
	state := a.files.State(ledgerName, string(raw))
	err = writePrivate(a.home(ledgerName+".json"), raw)
	if state != nil && err != nil {
		return fmt.Errorf("writing the ledger: %w", errors.Join(state, err))
	}
	a.ledger = l
	return nil
}

// recall reads the ledger that the step before wrote; false where it wrote none.
func (a *action) recall() (l ledger, ok bool, err error) {
	state, _ := a.p.lookupEnv("STATE_" + ledgerName)
	raw := []byte(state)
	if state == "" {
		raw, err = readFile(a.home(ledgerName+".json"), largestSmall)
		if errors.Is(err, fs.ErrNotExist) {
			return l, false, nil
		}
		if err != nil {
			return l, false, fmt.Errorf("reading the ledger: %w", err)
		}
	}
	if err := json.Unmarshal(raw, &l); err != nil {
		return l, false, fmt.Errorf("reading the ledger: %w", err)
	}
	return l, true, nil
}

// settleLedger says that nothing is left to the step after this one. After an interruption it looks again.
func (a *action) settleLedger(interrupted bool) {
	if a.ledger.Run == "" || interrupted {
		return
	}
	l := a.ledger
	l.Settled = true
	if err := a.keep(l); err != nil {
		a.commands.Notice("The step after this one will look again for what is left, since the ledger cannot be closed: " + err.Error())
	}
}

// writePrivate writes a file that is nobody else's business.
func writePrivate(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}
