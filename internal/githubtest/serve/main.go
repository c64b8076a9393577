// Serve is GitHub on loopback as a program, for workflows that are run on one machine (act) and for shell scripts:
//
//	serve -listen 127.0.0.1:9999 -state state.json -pull 7 -head 111… >job.env
//
// It writes the variables of a job to standard output, one NAME=value a line, once it listens, and what was commented,
// checked and uploaded to the file of -state when it is told to stop. While it runs:
//
//	GET  /_state               the same
//	GET  /_state/comments/7    the comments of a pull request
//	POST /_state/pulls         opens or changes a pull request, and answers with the payload of its event
//	POST /_jobs                starts a job, and answers with its variables
//
// The tokens ghs_write and ghs_read are what a job of the repository and one of a fork have.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/org/imagebuild-action/internal/githubtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

type settings struct {
	listen, state, repository, head, fork string
	pull                                  int
	job                                   githubtest.Job
	options                               githubtest.Options
}

func parse(args []string) (settings, error) {
	var o settings
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "`address` to listen on")
	f.StringVar(&o.state, "state", "", "`file` that the state is written to at the end")
	f.StringVar(&o.repository, "repository", "o/r", "`owner/name`, which have the ids 2 and 1")
	f.IntVar(&o.pull, "pull", 0, "`number` of a pull request that is open")
	f.StringVar(&o.head, "head", strings.Repeat("1", 40), "head `commit` of the pull request")
	f.StringVar(&o.fork, "fork", "", "`owner/name` of the fork the pull request comes from")
	f.StringVar(&o.job.Event, "event", "push", "`name` of the job's event")
	f.StringVar(&o.job.Ref, "ref", "refs/heads/main", "the job's `ref`")
	f.StringVar(&o.job.SHA, "sha", strings.Repeat("a", 40), "the job's `commit`")
	f.StringVar(&o.job.Environment, "environment", "", "deployment `environment` of the job")
	f.Int64Var(&o.job.RunID, "run", 1, "`id` of the job's run")
	f.BoolVar(&o.job.Immutable, "immutable", false, "subjects of identity tokens name ids")
	f.BoolVar(&o.job.NoIdentity, "no-identity", false, "the job may not have identity tokens")
	f.BoolVar(&o.options.SecondaryLimits, "secondary-limits", false, "hold clients to GitHub's secondary rate limits")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	owner, name, ok := strings.Cut(o.repository, "/")
	if !ok || f.NArg() > 0 {
		return o, errors.New("usage: serve [flags], the repository as owner/name")
	}
	o.options.Owner, o.options.Repo, o.options.RepoID, o.options.OwnerID = owner, name, 1, 2
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	o.options.URL = "http://" + l.Addr().String()
	s, err := githubtest.New(o.options)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if o.pull > 0 {
		p := githubtest.PullRequest{Number: o.pull, HeadSHA: o.head}
		if o.fork != "" {
			const forkID = 9
			p.HeadRepo, p.HeadRepoID = o.fork, forkID
		}
		s.SetPullRequest(p)
	}
	const patience = 10 * time.Second
	web := &http.Server{Handler: s, ReadHeaderTimeout: patience}
	served := make(chan error, 1)
	go func() { served <- web.Serve(l) }()
	err = environment(s, o.job, out)
	if err == nil {
		select {
		case err = <-served:
		case <-ctx.Done():
		}
	}
	return errors.Join(err, web.Close(), save(s, o.state))
}

// environment writes the variables of a job.
func environment(s *githubtest.Server, j githubtest.Job, out io.Writer) error {
	vars, err := s.Variables(j)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if _, err = fmt.Fprintf(out, "%s=%s\n", name, vars[name]); err != nil {
			return err
		}
	}
	return nil
}

func save(s *githubtest.Server, path string) error {
	if path == "" {
		return nil
	}
	raw, err := json.MarshalIndent(s.State(), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o600)
}
