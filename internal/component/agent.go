package component

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// AgentMain is the hook by which this program runs inside a root. main and TestMain call it before
// anything else with os.Args and exit with code when it handled the call.
func AgentMain(args []string) (handled bool, code int) {
	if len(args) != 3 || args[1] != agentArgument {
		return false, 0
	}
	out := newSender(eventPipe())
	err := guard()
	if err == nil {
		err = agent(args[2], out)
	}
	if err != nil {
		out.queue <- message{Error: err.Error()}
	}
	if out.close() != nil || err != nil {
		return true, 1
	}
	return true, 0
}

func agent(role string, out *sender) error {
	switch role {
	case initRole:
		return agentInit()
	case innerRole:
		if err := sayLoaded(); err != nil {
			return err
		}
		return agentWork(role, out)
	case workRole:
		return agentWork(role, out)
	}
	return fmt.Errorf("there is no agent of role %q", role)
}

// sayLoaded tells process 1 that this process needs nothing more of the machine's files.
func sayLoaded() error {
	ready := readyPipe()
	if _, err := ready.Write([]byte{1}); err != nil {
		return fmt.Errorf("answering process 1: %w", err)
	}
	return ready.Close()
}

// agentWork runs the job it reads on stdin.
func agentWork(role string, out *sender) error {
	var req request
	if err := json.NewDecoder(io.LimitReader(requests(), 1<<30)).Decode(&req); err != nil {
		return fmt.Errorf("reading the job: %w", err)
	}
	// An agent is a process of its own: whoever started it ends the job by ending it.
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // this is the top of a process
	defer cancel()
	if req.Limits.Threads {
		keepThreads()
	}
	if req.Setup == nil && role == workRole {
		if err := req.Limits.apply(); err != nil {
			return err
		}
	}
	r := newRunner(req.Job, req.Env, func(e Event) { out.queue <- message{Event: &e} })
	r.resume = req.Resume
	r.asker = newAsker(func(m message) { out.queue <- m }, answerPipe())
	result := r.run(ctx)
	if r.stop != nil {
		raw, err := json.Marshal(r.state())
		if err != nil {
			return fmt.Errorf("keeping the state: %w", err)
		}
		for part := range slices.Chunk(raw, maxMessage/4) {
			out.queue <- message{State: part}
		}
	}
	last := *result
	last.Steps = nil
	out.queue <- message{Result: &last}
	return nil
}
