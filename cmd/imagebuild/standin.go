package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

// standIns are the secrets whose place the password of the sandbox's machines can take: keys and certificates cannot be
// made up, and are missing in the sandbox as they would be in an account.
var standIns = []string{"account_password", "password"} //nolint:gochecknoglobals // a table, never written

// standIn puts the passwords into the sandbox that the configuration says are kept in AWS, and says so: an account has to
// have them before anything is built there. What a sandbox holds already stays.
func (g *planning) standIn(graph *planner.Graph) error {
	server := g.target.server
	if server == nil {
		return nil
	}
	type place struct{ region, name string }
	members := map[place]map[string]string{}
	var kept []planner.KeptSecret
	for _, k := range graph.KeptSecrets() {
		if !slices.Contains(standIns, k.Is) || strings.HasPrefix(k.Name(), "arn:") {
			continue
		}
		kept = append(kept, k)
		if m := k.Member(); m != "" {
			at := place{cmp.Or(k.Node.Region, g.region), k.Name()}
			if members[at] == nil {
				members[at] = map[string]string{}
			}
			members[at][m] = sandbox.GuestPassword
		}
	}
	var said []string
	for _, k := range kept {
		region := cmp.Or(k.Node.Region, g.region)
		var added bool
		var err error
		if k.Parameter() {
			added, err = server.KeepParameter(region, k.Name(), sandbox.GuestPassword)
		} else {
			added, err = server.KeepSecret(region, k.Name(), sandbox.GuestPassword, members[place{region, k.Name()}])
		}
		if err != nil {
			return fmt.Errorf("keeping %s in the sandbox: %w", k.Kept, err)
		}
		if added {
			said = append(said, k.Kept)
		}
	}
	if len(said) > 0 {
		fmt.Fprintf(g.p.stderr, "The sandbox stands in for secrets that an account must already have: %s.\n", report.Neutral(strings.Join(said, ", ")))
	}
	return nil
}
