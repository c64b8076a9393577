package component

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"sync"
)

// agentArgument is the hidden first argument by which this program knows that it is an agent.
const agentArgument = "__component-agent"

// The roles of an agent.
const (
	initRole  = "init"   // process 1 of a root: makes it, starts the worker, reaps orphans
	innerRole = "worker" // runs the job, started by process 1
	workRole  = "work"   // runs the job on the machine itself
)

// A request is what the program hands its agent on stdin.
type request struct {
	Limits remainder `json:"limits"`
	Resume *State    `json:"resume,omitempty"`
	Setup  *setup    `json:"setup,omitempty"`
	Job    Job       `json:"job"`
	Env    []string  `json:"env"`
}

// A setup says what root process 1 makes.
type setup struct {
	Dir        string   `json:"dir,omitempty"`  // a tree of files; "" for an overlay
	Base       string   `json:"base,omitempty"` // what an overlay lies on; "" for the machine's root
	Lowers     []string `json:"lowers,omitempty"`
	Upper      string   `json:"upper,omitempty"` // "" for one in memory
	Work       string   `json:"work,omitempty"`
	Run        string   `json:"run"` // an empty directory of this run's own
	Mask       []string `json:"mask,omitempty"`
	Network    string   `json:"network,omitempty"`
	Forwards   []string `json:"forwards,omitempty"` // where a network of its own listens for this machine's services
	User       bool     `json:"user,omitempty"`     // made in a user namespace
	ResolvConf string   `json:"resolvConf,omitempty"`
}

// A message is one line on the agent's pipe. Exactly one member is set.
type message struct {
	Event  *Event    `json:"event,omitempty"`
	Result *Result   `json:"result,omitempty"` // the last one; its Steps travel in the events
	Ask    *question `json:"ask,omitempty"`
	State  []byte    `json:"state,omitempty"` // part of the State of a run that stopped for a reboot
	Error  string    `json:"error,omitempty"` // the root could not be made, or the job not be read
}

// maxMessage bounds one line of the pipe: what is on the other side is not trusted with memory.
const maxMessage = 16 << 20

// A sender writes messages, the pending ones in one write.
type sender struct {
	queue chan message
	done  sync.WaitGroup
	err   error
}

func newSender(w io.Writer) *sender {
	s := &sender{queue: make(chan message, 256)}
	s.done.Go(func() {
		buf := bufio.NewWriterSize(w, 64<<10)
		enc := json.NewEncoder(buf)
		enc.SetEscapeHTML(false)
		for m := range s.queue {
			if s.err != nil {
				continue
			}
			s.err = enc.Encode(m)
			if s.err == nil && len(s.queue) == 0 {
				s.err = buf.Flush()
			}
		}
		if s.err == nil {
			s.err = buf.Flush()
		}
	})
	return s
}

// close waits until all is written and reports the first write that failed.
func (s *sender) close() error {
	close(s.queue)
	s.done.Wait()
	return s.err
}

// receive reads messages until the pipe ends.
func receive(r io.Reader, take func(message)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxMessage)
	for lines.Scan() {
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return err
		}
		take(m)
	}
	return lines.Err()
}

// eventPipe is the descriptor an agent sends messages on, answerPipe the one it reads answers from;
// readyPipe is where a worker says that it is loaded and needs nothing more of the machine's files.
func eventPipe() *os.File   { return os.NewFile(3, "events") }
func answerPipe() *os.File  { return os.NewFile(4, "answers") }
func readyPipe() *os.File   { return os.NewFile(5, "ready") }
func networkPipe() *os.File { return os.NewFile(5, "network") } // of process 1 alone
func requests() *os.File    { return os.NewFile(0, "request") }
