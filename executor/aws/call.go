package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// An object is the input of a call: the wire's names, in any case of letters.
type object = map[string]any

// callTimeout bounds one call that carries no file; the services answer within seconds.
const callTimeout = 60 * time.Second

const cancelBuild planner.Op = "imagebuilder:CancelImageCreation"

// hurried are the operations that are called when there are only seconds left.
var hurried = map[planner.Op]bool{ //nolint:gochecknoglobals // a table, never written
	cancelBuild: true, "appstream:StopImageBuilder": true, "appstream:DeleteImageBuilder": true,
}

// An operation is one SDK method made to speak the wire's vocabulary.
type operation struct {
	input reflect.Type
	check func(json.RawMessage) error
	do    func(context.Context, *services, json.RawMessage) (any, error)
}

// op makes an operation of a method. An input member that the operation does not have is an error.
func op[C, In, Out, Opt any](client func(*services) C, call func(C, context.Context, *In, ...Opt) (*Out, error)) operation {
	return operation{
		input: reflect.TypeFor[In](),
		check: func(raw json.RawMessage) error { _, err := decode[In](raw); return err },
		do: func(ctx context.Context, s *services, raw json.RawMessage) (any, error) {
			in, err := decode[In](raw)
			if err != nil {
				return nil, err
			}
			return call(client(s), ctx, in)
		},
	}
}

func decode[In any](raw json.RawMessage) (*In, error) {
	in := new(In)
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(in); err != nil {
		return nil, fmt.Errorf("reading the input: %w", err)
	}
	return in, nil
}

// has reports whether the operation's input has a top-level member.
func (o operation) has(member string) bool {
	_, ok := o.input.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, member) })
	return ok
}

func lookUp(name planner.Op) (operation, error) {
	for _, table := range []map[planner.Op]operation{operations, appstreamOperations} {
		if o, ok := table[name]; ok {
			return o, nil
		}
	}
	return operation{}, fmt.Errorf("%s is not in the operation table of executor/aws: add it to operations.go", name)
}

// Check reports whether the input is one the operation can take. It sends nothing.
func Check(name planner.Op, in json.RawMessage) error {
	o, err := lookUp(name)
	if err != nil {
		return err
	}
	return o.check(in)
}

// Call performs one operation, once; region "" is the default one. Input and output are in the
// wire's vocabulary. The error is a *CallError where AWS or the way to it caused it.
func (c *Clients) Call(ctx context.Context, name planner.Op, region string, in json.RawMessage) (json.RawMessage, error) {
	out, err := c.send(ctx, name, region, in)
	if err != nil {
		return nil, err
	}
	return json.Marshal(wire(name, out))
}

// send performs one operation and returns the SDK's output.
func (c *Clients) send(ctx context.Context, name planner.Op, region string, in json.RawMessage) (any, error) {
	o, err := lookUp(name)
	if err != nil {
		return nil, err
	}
	out, err := c.carry(ctx, name, region, func(ctx context.Context, s *services) (any, error) {
		timed, stop := context.WithTimeout(ctx, callTimeout)
		defer stop()
		return o.do(timed, s, in)
	})
	if refused, ok := errors.AsType[*CallError](err); ok {
		refused.about(in)
	}
	return out, err
}

// carry makes one call when its turn has come. Once a call that changes something is on its way it
// is let finish even when ctx ends: cut off, it may have made what nobody knows of.
func (c *Clients) carry(ctx context.Context, name planner.Op, region string, call func(context.Context, *services) (any, error)) (any, error) {
	service, verb, _ := strings.Cut(string(name), ":")
	if region == "" {
		region = c.cfg.Region
	}
	if !hurried[name] {
		if err := c.pace.wait(ctx, service, region); err != nil {
			return nil, fmt.Errorf("waiting to call %s: %w", name, err)
		}
	}
	used, err := c.authorised(ctx, name, region)
	if err != nil {
		return nil, err
	}
	sent := ctx
	if !reads(verb) {
		var done context.CancelFunc
		sent, done = executor.Linger(ctx, executor.CallGrace)
		defer done()
	}
	out, err := call(sent, c.in(region))
	if ended(err) && c.renewed(sent, used) {
		out, err = call(sent, c.in(region)) // what is refused for its credentials has done nothing
	}
	if err != nil && ctx.Err() != nil && sent.Err() != nil {
		return nil, &cutOffError{name, ctx.Err()}
	}
	if err != nil {
		return nil, callError(name, region, err)
	}
	return out, nil
}

// authorised tells missing credentials from every other failure, before a call is made.
func (c *Clients) authorised(ctx context.Context, name planner.Op, region string) (sdk.Credentials, error) {
	used, err := c.cfg.Credentials.Retrieve(ctx)
	if err == nil {
		return used, nil
	}
	if ctx.Err() != nil {
		return used, ctx.Err()
	}
	if refused, ok := errors.AsType[*IdentityError](err); ok && refused.Code != NoCredentials {
		return used, &CallError{Op: name, Region: region, Code: refused.Code, Message: refused.Message, RequestID: refused.RequestID, err: refused}
	}
	return used, &CallError{Op: name, Region: region, Code: NoCredentials, Message: noCredentials, err: err}
}

// reads reports whether an operation of this name changes nothing.
func reads(verb string) bool {
	for _, p := range []string{"Get", "List", "Describe", "Head", "Filter"} {
		if strings.HasPrefix(verb, p) {
			return true
		}
	}
	return false
}

// ask performs one operation, once, and returns its typed output.
func ask[Out any](ctx context.Context, c *Clients, name planner.Op, region string, in object) (*Out, error) {
	if in == nil {
		in = object{}
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("%s: writing the input: %w", name, err)
	}
	out, err := c.send(ctx, name, region, raw)
	if err != nil {
		return nil, err
	}
	typed, ok := out.(*Out)
	if !ok {
		return nil, fmt.Errorf("%s answers with %T", name, out)
	}
	return typed, nil
}

// read is ask for questions outside of a run: it tries again what may pass by itself. Within a run
// executor.Retry does that, visibly; nothing does both.
func read[Out any](ctx context.Context, c *Clients, name planner.Op, region string, in object) (*Out, error) {
	var out *Out
	err := persist(ctx, func() (err error) {
		out, err = ask[Out](ctx, c, name, region, in)
		return err
	})
	return out, err
}

// persist calls f until it succeeds, fails for good, or has failed too often.
func persist(ctx context.Context, f func() error) error {
	failures := map[*executor.RetryClass]int{}
	for {
		err := f()
		if err == nil || ctx.Err() != nil {
			return err
		}
		class := Classify(err)
		failures[class]++
		wait, again := class.Next(failures[class])
		if !again {
			return err
		}
		if sleep(ctx, wait) != nil {
			return err
		}
	}
}

// sleep waits, and returns early with ctx's error when that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
