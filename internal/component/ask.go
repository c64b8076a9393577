package component

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// A question is what an agent asks the program that started it: what lies outside of the root.
type question struct {
	Kind  questionKind `json:"kind"`
	Name  string       `json:"name"`
	Owner string       `json:"owner,omitempty"`
	// Left is how much time the step has left; 0 where it has no limit.
	Left time.Duration `json:"left,omitempty"`
}

type questionKind string

const (
	parameterQuestion questionKind = "parameter"
	documentQuestion  questionKind = "document"
)

// An answer goes back over a pipe of its own, one line each.
type answer struct {
	Value  string `json:"value,omitempty"`
	Secret bool   `json:"secret,omitempty"`
	Error  string `json:"error,omitempty"`
	Nobody bool   `json:"nobody,omitempty"` // there is no resolver
}

// errNobody says that there is no resolver.
var errNobody = errors.New("nobody can be asked for it here")

// An asker sends questions and waits for their answers, one at a time: a run does one thing at a time.
type asker struct {
	send    func(message)
	answers *json.Decoder
}

func newAsker(send func(message), answers io.Reader) *asker {
	return &asker{send: send, answers: json.NewDecoder(answers)}
}

func (a *asker) ask(ctx context.Context, q question) (answer, error) {
	if a == nil {
		return answer{}, errNobody
	}
	if end, limited := ctx.Deadline(); limited {
		q.Left = max(time.Until(end), time.Millisecond)
	}
	a.send(message{Ask: &q})
	var got answer
	if err := a.answers.Decode(&got); err != nil {
		return answer{}, fmt.Errorf("waiting for an answer: %w", err)
	}
	if got.Nobody {
		return answer{}, errNobody
	}
	if got.Error != "" {
		return answer{}, errors.New(got.Error)
	}
	return got, nil
}

// reply answers one question with the job's resolver.
func reply(ctx context.Context, by Resolver, q question) (a answer) {
	if by == nil {
		return answer{Nobody: true}
	}
	if q.Left > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.Left)
		defer cancel()
	}
	var err error
	switch q.Kind {
	case parameterQuestion:
		a.Value, a.Secret, err = by.Parameter(ctx, q.Name)
	case documentQuestion:
		a.Value, err = by.Document(ctx, q.Name, q.Owner)
	default:
		err = fmt.Errorf("there is no question of kind %q", q.Kind)
	}
	if err != nil {
		return answer{Error: err.Error()}
	}
	return a
}
