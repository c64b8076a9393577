package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/report"
)

// The names under which the image starts this program as an action. A container action can hand over an
// entrypoint safely, but no arguments: the runner joins them into one command line.
const (
	actionName     = "imagebuild-action"
	actionPostName = "imagebuild-action-post"
)

// actionArguments are the arguments that the program's own name stands for.
func actionArguments(args []string) []string {
	switch filepath.Base(args[0]) {
	case actionName:
		return []string{"action"}
	case actionPostName:
		return []string{"action", "post"}
	}
	return args[1:]
}

func (p *program) actionCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "action", Short: "Be a step of GitHub Actions", Args: cobra.NoArgs, Hidden: true,
		Long: "action is the entrypoint of the GitHub Action: it reads the step's inputs from the environment, runs the command\n" +
			"that they name, and tells of it where GitHub shows it. docs/action.md describes it.",
		RunE: func(c *cobra.Command, _ []string) error {
			a, err := p.beginAction()
			if err != nil {
				return err
			}
			defer a.leave()
			return a.run(c.Context())
		},
	}
	c.AddCommand(&cobra.Command{
		Use: "post", Short: "Finish what the step left", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			a, err := p.beginAction()
			if err != nil {
				return err
			}
			defer a.leave()
			return a.post(c.Context())
		},
	})
	return c
}

// An action is one step of GitHub Actions.
type action struct {
	p        *program // whose standard output is the step's log
	in       givenInputs
	unknown  []string // names of inputs that there are not
	env      *github.Environment
	commands *github.Commands
	files    *github.Files
	tokens   *github.Tokens
	out      outputValues
	ruling   ruling
	judge    func(directory string) error // of the files that may be read; nil for all
	headOwn  bool                         // the head that GitHub was asked for is a branch of this repository
	ledger   ledger

	doc   *report.Document // what the command came to so far
	plan  []byte           // the plan as JSON, secrets covered; nil where there was none
	logs  string           // the directory of the whole logs; "" where there are none
	leg   string           // of the matrix; "" without one
	saved savedPlan
	talk  conversation
	// settled ends what tells of a run under way, and returns when it has.
	settled func()
	// hurried says that a signal came, and little time is left.
	hurried bool
	// planDigest is of planFile, or, where none was written, of the plan.
	planDigest, planFile string
}

// notAJob is what the action says outside of GitHub Actions.
const notAJob = "this is no job of GitHub Actions: GITHUB_ACTIONS is not set"

// beginAction reads what the runner hands over. Whatever is secret in it is masked first.
func (p *program) beginAction() (*action, error) {
	getenv := p.getenv()
	commands := github.NewCommands(p.stdout)
	for _, name := range secretVariables {
		commands.Mask(getenv(name))
	}
	if getenv("GITHUB_ACTIONS") != "true" {
		return nil, mistake("run the command itself: imagebuild plan, imagebuild build", notAJob)
	}
	a := &action{p: p, commands: commands, files: github.NewFiles(getenv), out: outputValues{}}
	env, err := github.ReadEnvironment(getenv)
	if err != nil { // an event that cannot be read says nothing of where the commit comes from
		commands.Error(err.Error())
		return nil, told(statusFailed)
	}
	in, unknown, err := readInputs(p.environ())
	commands.Mask(in["github-token"])
	if err != nil {
		commands.Error(err.Error())
		return nil, told(statusMistake)
	}
	if n := in.number("pull-request"); n > 0 {
		env.PullRequest = n
	}
	env.CheckRunID = int64(in.number("check-run-id"))
	a.in, a.unknown, a.env, a.leg = in, unknown, env, legOf(in["matrix"])
	a.tokens = github.NewTokens(env, getenv, nil, commands.Mask)
	return a, nil
}

// getenv is lookupEnv for those who do not tell unset from empty.
func (p *program) getenv() func(string) string {
	return func(name string) string {
		v, _ := p.lookupEnv(name)
		return v
	}
}

// run is the step.
func (a *action) run(ctx context.Context) error {
	began := a.p.now()
	for _, name := range a.unknown {
		a.commands.Warning(fmt.Sprintf("There is no input %q: it is not read.", report.Neutral(name)))
	}
	a.settleHead(ctx)
	t := a.trigger()
	a.ruling = judge(t, a.in["command"], a.in.is(untrustedInput))
	if a.ruling.refused != "" {
		a.commands.Error(a.ruling.refused + ". " + a.ruling.hint + ".")
		return told(statusMistake)
	}
	if a.ruling.notice != "" {
		a.commands.Notice(a.ruling.notice)
	}
	if a.in["command"] == "report" {
		return a.runReport(ctx)
	}
	a.judge = a.judgeOf(t)
	if err := a.judgeInputs(); err != nil {
		a.commands.Error(sentence(err.Error()))
		return told(statusMistake)
	}
	if err := a.readPlanFile(); err != nil {
		a.commands.Error(err.Error())
		return told(statusMistake)
	}
	args, err := a.arguments() //nolint:contextcheck // it looks at the commands' flags, and runs none
	if err != nil {
		a.commands.Error(err.Error())
		return told(statusMistake)
	}
	a.converse(ctx)
	status := a.execute(ctx, args)
	flush, done := a.flushing(ctx)
	defer done()
	a.publish(flush)
	a.settleLedger(status == statusInterrupted)
	if err := a.commands.Err(); err != nil {
		return &exit{status: statusFailed, err: err}
	}
	a.commands.Debug(fmt.Sprintf("The step took %s.", a.p.now().Sub(began).Round(time.Millisecond)))
	if status == statusDone {
		return nil
	}
	return told(status)
}

// trigger is what the gate looks at.
func (a *action) trigger() trigger {
	e := a.env
	t := trigger{
		event: e.Event, fork: e.Fork, dependabot: e.Dependabot, sha: e.SHA,
	}
	var err error
	if t.checkedOut, err = checkedOut(e.Workspace, a.configuration()); err != nil {
		a.commands.Debug(err.Error())
	}
	switch e.Event {
	case "pull_request_target":
		head := e.Payload.PullRequest.Head
		t.head, t.headOwn = head.SHA, head.Repo.ID != 0 && head.Repo.ID == e.Repository.ID
	case "workflow_run":
		run := e.Payload.WorkflowRun
		t.head, t.headOwn = run.HeadSHA, run.HeadRepository.ID != 0 && run.HeadRepository.ID == e.Repository.ID
	case "issue_comment":
		t.head, t.headOwn = e.Head, a.headOwn
	}
	return t
}

// configuration is the input path as a path of this machine.
func (a *action) configuration() string {
	if path := a.in["path"]; filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(a.p.cwd, a.in["path"])
}

// settleHead asks GitHub for the pull request's head where the event doesn't tell it, as a comment, a merge queue and the
// input pull-request don't. It is the commit that the run is about then: comments, checks, links and plans name it. A
// run of the merge itself stays one.
func (a *action) settleHead(ctx context.Context) {
	e := a.env
	if e.PullRequest == 0 || strings.HasPrefix(e.Event, "pull_request") || e.Event == "workflow_run" || a.in["github-token"] == "" {
		return
	}
	client, err := a.client()
	if err != nil {
		a.notice("The pull request's head isn't known", err)
		return
	}
	pr, err := client.PullRequest(ctx, e.PullRequest)
	if err != nil {
		a.notice("The pull request's head isn't known", err)
		return
	}
	if pr.HeadSHA == "" || pr.Merged && pr.MergeSHA == e.SHA {
		return
	}
	e.Head = pr.HeadSHA
	a.headOwn = pr.HeadRepository != "" && strings.EqualFold(pr.HeadRepository, e.Repository.String())
}

// mask hides credentials before anything can show them. The key's id is no secret by itself, and is hidden as
// configure-aws-credentials does.
func (a *action) mask(keyID, secret, token string) { a.maskAll([]string{keyID, secret, token}) }

func (a *action) maskAll(secrets []string) {
	for _, s := range secrets {
		a.commands.Mask(s)
	}
}

// program is the program that carries the command out: with the step's log as both of its streams, made
// harmless, and of the environment only what a configuration may see.
func (a *action) program(ctx context.Context, log *github.Relay) *program {
	inner := *a.p
	inner.stdout, inner.stderr = log, log
	inner.visible, inner.judge = visibleVariable, a.judge
	inner.identity, inner.onCredentials = nil, a.mask
	inner.onSecrets = a.maskAll
	if a.ruling.credentials && !a.in.is("sandbox") {
		inner.identity = a.identity()
		inner.expectsAWS = inner.identity != nil || a.tokens.Available() == nil
	}
	inner.runID = a.runTag()
	inner.reporter = a.reporter(ctx)
	return &inner
}

// execute runs the command and keeps what became of it.
func (a *action) execute(ctx context.Context, args []string) int {
	a.sayCredentials()
	log := a.commands.Relay("")
	p := a.program(ctx, log)
	err := a.saved.meant(a.job())
	if err == nil {
		err = p.execute(ctx, args)
	}
	status := p.end(err)
	if a.settled != nil {
		a.settled()
	}
	if closed := log.Close(); closed != nil {
		status = max(status, statusFailed)
	}
	if a.doc != nil || err != nil {
		a.doc = ended(a.doc, err, a.about())
	}
	return status
}

// sayCredentials says as whom AWS is called, before it is.
func (a *action) sayCredentials() {
	switch {
	case !a.ruling.credentials, a.in.is("sandbox"), a.in.is("offline"):
	case a.in["role-to-assume"] != "":
		a.say("Credentials: the role " + a.in["role-to-assume"] + ", assumed with this job's identity token and renewed while the run lasts.")
	default:
		a.say("Credentials: those of the environment, since role-to-assume is not given.")
	}
}

// say writes a line to the step's log.
func (a *action) say(line string) {
	log := a.commands.Relay("")
	fmt.Fprintln(log, line)
	a.notice("The log could not be written", log.Close())
}

// budget is how long an interrupted step has, of the 7.5 seconds after which the runner goes on to SIGTERM.
const budget = 6500 * time.Millisecond

// flushing is the time in which reports are delivered: little of it after an interruption.
func (a *action) flushing(ctx context.Context) (context.Context, func()) {
	within := 5 * time.Minute
	if at, interrupted := interruptedAt(ctx); interrupted {
		a.hurried, within = true, max(budget-a.p.now().Sub(at), 500*time.Millisecond)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), within)
}
