package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appstream"
	"github.com/aws/aws-sdk-go-v2/service/appstream/types"
)

// tagAgent is on an image builder that was started for its agent, from before it starts until it is stopped again: it costs
// money while it runs. The value is the agent's version.
const tagAgent = "imagebuild:agent"

// UpdateAgent starts a stopped image builder with a version of the agent ("LATEST", "09-15-2026") and stops it
// again when it has it. The images that are made of it afterwards have that agent. A tag on the builder tells of it meanwhile, so
// that the next run goes on where an interrupted one was, and stops the builder that it left running.
func (s *StreamImages) UpdateAgent(ctx context.Context, builder, version string) error {
	b, err := s.builder(ctx, builder)
	if err != nil {
		return err
	}
	arn := sdk.ToString(b.Arn)
	tags, err := s.tags(ctx, arn)
	if err != nil {
		return err
	}
	under, noted := tags[tagAgent]
	if b.State != types.ImageBuilderStateStopped && !noted {
		return &StreamError{Message: fmt.Sprintf("the image builder %s is %s", builder, b.State), Hint: "the agent is updated at the start: stop the builder first"}
	}
	if noted {
		s.say("an earlier update of the agent of %s was interrupted; it is finished first", builder)
	}
	if noted && b.State != types.ImageBuilderStateStopped {
		if err = s.stopForAgent(ctx, builder, b.State); err != nil {
			return s.leftForAgent(ctx, builder, err)
		}
	}
	// One that was not STOPPED had been started with that version.
	if b.State == types.ImageBuilderStateStopped || under != version {
		if err = do[appstream.TagResourceOutput](ctx, s, "TagResource", object{"ResourceArn": arn, "Tags": map[string]string{tagAgent: version}}); err != nil {
			return err
		}
		if err = s.cycleForAgent(ctx, builder, version); err != nil {
			return s.leftForAgent(ctx, builder, err)
		}
	}
	return do[appstream.UntagResourceOutput](ctx, s, "UntagResource", object{"ResourceArn": arn, "TagKeys": []string{tagAgent}})
}

// cycleForAgent starts a stopped builder with the agent and stops it.
func (s *StreamImages) cycleForAgent(ctx context.Context, builder, version string) error {
	if err := do[appstream.StartImageBuilderOutput](ctx, s, "StartImageBuilder", object{"Name": builder, "AppstreamAgentVersion": version}); err != nil {
		return err
	}
	return s.stopForAgent(ctx, builder, types.ImageBuilderStatePending)
}

// stopForAgent stops a builder that runs, or is going to: AppStream stops none that is on its way.
func (s *StreamImages) stopForAgent(ctx context.Context, builder string, state types.ImageBuilderState) error {
	if state != types.ImageBuilderStateStopping {
		if err := s.awaitBuilder(ctx, builder, types.ImageBuilderStateRunning); err != nil {
			return err
		}
		if err := do[appstream.StopImageBuilderOutput](ctx, s, "StopImageBuilder", object{"Name": builder}); err != nil {
			return err
		}
	}
	return s.awaitBuilder(ctx, builder, types.ImageBuilderStateStopped)
}

// leftForAgent says of a builder in what state an update that failed, or was interrupted, leaves it.
func (s *StreamImages) leftForAgent(ctx context.Context, builder string, err error) error {
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer stop()
	state := "in a state that could not be asked for"
	if b, lookErr := s.builder(last, builder); lookErr == nil {
		state = string(b.State)
	}
	if state == string(types.ImageBuilderStateStopped) {
		return err
	}
	hint := fmt.Sprintf("the image builder costs money while it runs: run the same command again to finish and stop it, or stop it with aws appstream stop-image-builder --region %s --name %s", s.region, builder)
	if told, ok := errors.AsType[*StreamError](err); ok {
		return &StreamError{Message: told.Message, Cause: told.Cause, Hint: strings.TrimPrefix(told.Hint+"; "+hint, "; ")}
	}
	return &StreamError{Message: fmt.Sprintf("the image builder %s is left %s", builder, state), Hint: hint, Cause: err}
}

func (s *StreamImages) builder(ctx context.Context, name string) (*types.ImageBuilder, error) {
	out, err := read[appstream.DescribeImageBuildersOutput](ctx, s.clients, "appstream:DescribeImageBuilders", s.region, object{"Names": []string{name}})
	if err != nil {
		return nil, err
	}
	if len(out.ImageBuilders) == 0 {
		return nil, &StreamError{Message: fmt.Sprintf("there is no image builder %q in %s", name, s.region)}
	}
	return &out.ImageBuilders[0], nil
}

// awaitBuilder waits until a builder is in a state. A builder that has errors does not get there.
func (s *StreamImages) awaitBuilder(ctx context.Context, name string, state types.ImageBuilderState) error {
	var last types.ImageBuilderState
	for began := time.Now(); ; {
		b, err := s.builder(ctx, name)
		if err != nil {
			return err
		}
		switch {
		case b.State == state:
			return nil
		case b.State == types.ImageBuilderStateFailed, len(b.ImageBuilderErrors) > 0:
			var why []string
			for _, e := range b.ImageBuilderErrors {
				why = append(why, string(e.ErrorCode)+": "+sdk.ToString(e.ErrorMessage))
			}
			return &StreamError{Message: fmt.Sprintf("the image builder %s is %s: %s", name, b.State, strings.Join(why, "; "))}
		case time.Since(began) > readyBound:
			return &StreamError{Message: fmt.Sprintf("the image builder %s is still %s after an hour", name, b.State)}
		}
		if b.State != last {
			last = b.State
			s.say("the image builder %s is %s", name, b.State)
		}
		if err := sleep(ctx, s.interval); err != nil {
			return err
		}
	}
}
