package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/executor/aws"
)

// arguments are the command line that the inputs stand for. A command that has no flag for an input that
// was given is warned of, once.
func (a *action) arguments() ([]string, error) {
	name := a.in["command"]
	if !a.ruling.credentials && name != "validate" && name != "matrix" && name != "test" && !a.in.is("sandbox") {
		name = "plan" // whatever was asked for: nothing is changed without credentials, and nobody is asked
	}
	c, _, err := a.p.command().Find([]string{name})
	if err != nil {
		return nil, fmt.Errorf("this imagebuild has no command %s", name)
	}
	args := []string{name}
	for _, i := range actionInputs {
		value, given := a.in[i.Name]
		if !given || i.Flag == "" || value == i.Default {
			continue
		}
		if c.Flags().Lookup(i.Flag) == nil {
			if name == a.in["command"] {
				a.commands.Warning(fmt.Sprintf("The input %s means nothing to the command %s.", i.Name, name))
			}
			continue
		}
		for _, v := range a.in.values(i) {
			args = append(args, "--"+i.Flag+"="+v)
		}
	}
	implied := a.implied(name)
	for _, flag := range slices.Sorted(maps.Keys(implied)) {
		if c.Flags().Lookup(flag) != nil && implied[flag] != "" {
			args = append(args, "--"+flag+"="+implied[flag])
		}
	}
	args = append(args, "--")
	if a.saved.file != "" && name == "build" {
		args = append(args, a.saved.file)
	}
	return append(args, a.in["path"]), nil
}

// implied are flags that the job says, not its inputs.
func (a *action) implied(name string) map[string]string {
	out := map[string]string{}
	if !a.ruling.credentials && !a.in.is("sandbox") {
		out["offline"] = "true"
	}
	if n := a.env.PullRequest; n > 0 && strings.HasPrefix(a.env.Event, "pull_request") || a.in.number("pull-request") > 0 {
		number := strconv.Itoa(n)
		out["pull-request"], out["pr"] = number, number
	}
	if name == "doctor" {
		out["environment"], out["role"], out["audience"] = a.in["environment"], a.in["role-to-assume"], a.in["audience"]
	}
	if name == "build" {
		out["log-dir"] = a.logDirectory()
	}
	return out
}

// identity is as whom AWS is called; nil leaves it to the environment.
func (a *action) identity() *aws.WebIdentity {
	role, chain := a.in["role-to-assume"], a.in.lines("role-chain")
	accounts := a.in.list("allowed-account-ids")
	if role == "" && len(chain) == 0 && len(accounts) == 0 {
		return nil
	}
	w := &aws.WebIdentity{
		Role: role, Chain: chain, AllowedAccounts: accounts, Audience: a.in["audience"],
		Session: a.in["role-session-name"], Duration: a.in.duration("role-duration"),
	}
	if w.Session == "" {
		w.Session = fmt.Sprintf("imagebuild-%d-%d", a.env.RunID, a.env.RunAttempt)
	}
	if role != "" {
		w.Token = func(ctx context.Context) (string, error) { return a.tokens.IdentityToken(ctx, w.Audience) }
	}
	return w
}
