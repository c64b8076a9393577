package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/planner"
)

// deliverable makes sure, before anything runs, that the log can be delivered as it is asked for.
func (x *execution) deliverable(ctx context.Context) error {
	switch {
	case x.LogS3BucketName == "" && x.CWLogGroup == "":
		if x.LogS3KeyPrefix != "" || x.CWLogStream != "" {
			return errors.New("--log-s3-key-prefix and --cw-log-stream say where in a bucket or group the log goes, and neither is named")
		}
		return nil
	case x.CWLogGroup != "" && x.LogS3BucketName == "" && x.CWIgnoreFailures:
		return nil // told when it fails
	}
	if err := x.aws.connect(ctx); err != nil {
		return fmt.Errorf("delivering the log to S3 or CloudWatch is unsupported without credentials, and nothing was run: %w", err)
	}
	return nil
}

// upload puts the log folder into the bucket that was asked for. It is done also for a run that was
// interrupted, within the seconds that are left then.
func (x *execution) upload(ctx context.Context) error {
	if x.LogS3BucketName == "" {
		return nil
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), uploadTime(ctx))
	defer stop()
	folder := x.log.Path()
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("uploading the log: %w", err)
	}
	prefix := path.Join(x.LogS3KeyPrefix, filepath.Base(folder))
	for _, e := range entries {
		in := planner.Object{"Bucket": x.LogS3BucketName, "Key": path.Join(prefix, e.Name())}
		if x.LogS3BucketOwner != "" {
			in["ExpectedBucketOwner"] = x.LogS3BucketOwner
		}
		if err := x.aws.clients.Store(ctx, in, fileContent(filepath.Join(folder, e.Name()))); err != nil {
			return fmt.Errorf("uploading the log: %w", err)
		}
	}
	x.result.LogURL = "s3://" + x.LogS3BucketName + "/" + prefix
	return nil
}

func uploadTime(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return 5 * time.Second
	}
	return 10 * time.Minute
}

// fileContent is the content of a file of this machine.
type fileContent string

func (f fileContent) Open() (io.ReadCloser, error) { return os.Open(string(f)) }

// A logShipper sends console.log to CloudWatch while it is written. Its zero value sends nothing.
type logShipper struct {
	x       *execution
	queue   chan component.Event
	done    sync.WaitGroup
	err     error
	refused bool
}

// ship begins to send the log, if that is asked for.
func (x *execution) ship(ctx context.Context) (*logShipper, error) {
	if x.CWLogGroup == "" {
		return &logShipper{}, nil
	}
	s := &logShipper{x: x, queue: make(chan component.Event, 1024)}
	if x.CWLogStream == "" {
		x.CWLogStream = x.ExecutionID
	}
	if err := s.open(ctx); err != nil {
		if !x.CWIgnoreFailures {
			return nil, fmt.Errorf("CloudWatch does not take the log: %w", err)
		}
		fmt.Fprintf(x.p.stderr, "warning: the log is not sent to CloudWatch: %v\n", err)
		return &logShipper{}, nil
	}
	ctx = context.WithoutCancel(ctx) // the last lines of a run that was interrupted are those that matter
	s.done.Go(func() { s.send(ctx) })
	return s, nil
}

// open makes the group and the stream where they are missing.
func (s *logShipper) open(ctx context.Context) error {
	x := s.x
	if err := x.aws.connect(ctx); err != nil {
		return err
	}
	group := map[string]any{"logGroupName": x.CWLogGroup}
	stream := map[string]any{"logGroupName": x.CWLogGroup, "logStreamName": x.CWLogStream}
	err := x.aws.call(ctx, "logs:CreateLogStream", x.CWLogRegion, stream)
	if aws.Code(err) == "ResourceNotFoundException" {
		if err = x.aws.call(ctx, "logs:CreateLogGroup", x.CWLogRegion, group); err == nil {
			err = x.aws.call(ctx, "logs:CreateLogStream", x.CWLogRegion, stream)
		}
	}
	if aws.Code(err) == "ResourceAlreadyExistsException" {
		return nil
	}
	return err
}

func (s *logShipper) take(e component.Event) {
	if s.queue != nil {
		s.queue <- e
	}
}

// What one call to PutLogEvents may hold (API reference): 10,000 events and 1 MiB, each event
// counted with 26 bytes more than its text. An event may have 1 MiB; ours end well below.
const (
	eventsPerCall = 10_000
	bytesPerCall  = 1 << 20
	eventOverhead = 26
	eventText     = 250 << 10
	shipEvery     = time.Second
)

// send gathers lines and sends them once a second, or when there are as many as a call can hold.
func (s *logShipper) send(ctx context.Context) {
	tick := time.NewTicker(shipEvery)
	defer tick.Stop()
	var batch []map[string]any
	size := 0
	for {
		select {
		case e, more := <-s.queue:
			if !more {
				s.put(ctx, batch)
				return
			}
			text := e.Line[:min(len(e.Line), eventText)]
			if text == "" {
				text = " " // an event without text is refused
			}
			if size += len(text) + eventOverhead; size > bytesPerCall || len(batch) == eventsPerCall {
				s.put(ctx, batch)
				batch, size = nil, len(text)+eventOverhead
			}
			batch = append(batch, map[string]any{"timestamp": e.Time.UnixMilli(), "message": text})
		case <-tick.C:
			s.put(ctx, batch)
			batch, size = nil, 0
		}
	}
}

// put sends a batch. After the first refusal nothing more is sent.
func (s *logShipper) put(ctx context.Context, batch []map[string]any) {
	if len(batch) == 0 || s.refused {
		return
	}
	slices.SortStableFunc(batch, func(a, b map[string]any) int {
		at, _ := a["timestamp"].(int64)
		bt, _ := b["timestamp"].(int64)
		return int(at - bt)
	})
	in := map[string]any{"logGroupName": s.x.CWLogGroup, "logStreamName": s.x.CWLogStream, "logEvents": batch}
	if err := s.x.aws.call(ctx, "logs:PutLogEvents", s.x.CWLogRegion, in); err != nil {
		s.refused = true
		s.err = fmt.Errorf("CloudWatch does not take the log: %w", err)
	}
}

// close sends what is left and reports the first refusal.
func (s *logShipper) close() error {
	if s.queue == nil {
		return nil
	}
	close(s.queue)
	s.done.Wait()
	if s.err != nil && s.x.CWIgnoreFailures {
		fmt.Fprintf(s.x.p.stderr, "warning: %v\n", s.err)
		return nil
	}
	return s.err
}
