package sandbox_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/org/imagebuild-action/internal/sandbox"
)

const group = "/aws/imagebuilder/web"

// logged builds an image, which leaves a log.
func logged(t *testing.T) *fixture {
	t.Helper()
	now := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	clock := make(chan time.Time, 1)
	clock <- now
	f := start(t, sandbox.Options{Now: func() time.Time {
		now := (<-clock).Add(time.Second)
		clock <- now
		return now
	}})
	f.wait(f.image(f.recipe("web", parent, f.component("web", "true")), f.infrastructure("web")))
	return f
}

func messages(events []types.OutputLogEvent) []string {
	var out []string
	for _, e := range events {
		out = append(out, *e.Message)
	}
	return out
}

func TestLogEvents(t *testing.T) {
	f := logged(t)
	get := func(in cloudwatchlogs.GetLogEventsInput) *cloudwatchlogs.GetLogEventsOutput {
		t.Helper()
		in.LogGroupName, in.LogStreamName = aws.String(group), aws.String("1.0.0/1")
		return must[*cloudwatchlogs.GetLogEventsOutput](f)(f.logs.GetLogEvents(t.Context(), &in))
	}
	all := get(cloudwatchlogs.GetLogEventsInput{StartFromHead: aws.Bool(true)})
	lines := messages(all.Events)
	if len(lines) < 10 {
		t.Fatalf("the log is too short for this test: %v", lines)
	}
	if again := get(cloudwatchlogs.GetLogEventsInput{NextToken: all.NextForwardToken}); len(again.Events) != 0 || *again.NextForwardToken != *all.NextForwardToken {
		t.Errorf("at the end: %d events, token %s after %s", len(again.Events), *again.NextForwardToken, *all.NextForwardToken)
	}
	tail := get(cloudwatchlogs.GetLogEventsInput{Limit: aws.Int32(3)})
	if got := messages(tail.Events); !slices.Equal(got, lines[len(lines)-3:]) {
		t.Errorf("the last three are %v, want %v", got, lines[len(lines)-3:])
	}
	before := get(cloudwatchlogs.GetLogEventsInput{Limit: aws.Int32(3), NextToken: tail.NextBackwardToken})
	if got := messages(before.Events); !slices.Equal(got, lines[len(lines)-6:len(lines)-3]) {
		t.Errorf("the three before are %v", got)
	}
	if forth := get(cloudwatchlogs.GetLogEventsInput{Limit: aws.Int32(3), NextToken: before.NextForwardToken}); !slices.Equal(messages(forth.Events), messages(tail.Events)) {
		t.Errorf("and forward again %v", messages(forth.Events))
	}
	from, to := all.Events[2].Timestamp, all.Events[5].Timestamp
	if got := messages(get(cloudwatchlogs.GetLogEventsInput{StartFromHead: aws.Bool(true), StartTime: from, EndTime: to}).Events); !slices.Equal(got, lines[2:5]) {
		t.Errorf("between two times: %v, want %v", got, lines[2:5])
	}
	for code, in := range map[string]cloudwatchlogs.GetLogEventsInput{
		"ResourceNotFoundException":   {LogGroupName: aws.String("none"), LogStreamName: aws.String("1.0.0/1")},
		"ResourceNotFoundException ":  {LogGroupName: aws.String(group), LogStreamName: aws.String("2.0.0/1")},
		"InvalidParameterException":   {LogGroupName: aws.String(group), LogStreamName: aws.String("1.0.0/1"), NextToken: aws.String("x")},
		"InvalidParameterException  ": {LogGroupName: aws.String(group), LogStreamName: aws.String("1.0.0/1"), NextToken: aws.String("f/-1/s")},
	} {
		_, err := f.logs.GetLogEvents(t.Context(), &in)
		f.refused(err, strings.TrimSpace(code))
	}
}

func TestFilterAndStreams(t *testing.T) {
	f := logged(t)
	filter := func(pattern string) []types.FilteredLogEvent {
		t.Helper()
		return must[*cloudwatchlogs.FilterLogEventsOutput](f)(f.logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: aws.String(group), FilterPattern: &pattern,
		})).Events
	}
	if got := filter("AVAILABLE"); len(got) != 1 || *got[0].LogStreamName != "1.0.0/1" {
		t.Errorf("AVAILABLE finds %+v", got)
	}
	if all, some := len(filter("")), len(filter("-Workflow")); some == 0 || some >= all {
		t.Errorf("%d of %d lines are without Workflow", some, all)
	}
	if got := len(filter(`?CREATING ?BUILDING`)); got != 2 {
		t.Errorf("either of two words: %d", got)
	}
	_, err := f.logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String(group), FilterPattern: aws.String("{ $.a = 1 }")})
	f.refused(err, "InvalidParameterException", "The sandbox does not do this")

	var paged []string
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(f.logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String(group), Limit: aws.Int32(3)})
	for pages.HasMorePages() {
		p, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Events {
			paged = append(paged, *e.Message)
		}
	}
	if len(paged) != len(filter("")) {
		t.Errorf("%d lines in pages", len(paged))
	}
	second := f.image(arnBase+"image-recipe/web/1.0.0", arnBase+"infrastructure-configuration/web")
	f.wait(second)
	streams := must[*cloudwatchlogs.DescribeLogStreamsOutput](f)(f.logs.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{
		LogGroupName: aws.String(group), OrderBy: types.OrderByLastEventTime, Descending: aws.Bool(true),
	})).LogStreams
	if len(streams) != 2 || *streams[0].LogStreamName != "1.0.0/2" || *streams[1].FirstEventTimestamp >= *streams[1].LastEventTimestamp {
		t.Errorf("streams: %+v", streams)
	}
	groups := must[*cloudwatchlogs.DescribeLogGroupsOutput](f)(f.logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/aws/image")}))
	if len(groups.LogGroups) != 1 || *groups.LogGroups[0].LogGroupName != group {
		t.Errorf("groups: %+v", groups.LogGroups)
	}
}

// TestLogsWritten: groups and streams of a caller's own, events that arrive out of order, and a restart.
func TestLogsWritten(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	opts := sandbox.Options{Dir: t.TempDir(), Now: func() time.Time { return now }}
	f := open(t, opts)
	named, stream := aws.String("/app/web"), aws.String("one")
	create := func() error {
		_, err := f.logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: named, Tags: map[string]string{"a": "b"}})
		return err
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
	f.refused(create(), "ResourceAlreadyExistsException")
	must[*cloudwatchlogs.PutRetentionPolicyOutput](f)(f.logs.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: named, RetentionInDays: aws.Int32(7)}))
	_, err := f.logs.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: named, RetentionInDays: aws.Int32(8)})
	f.refused(err, "InvalidParameterException")
	put := func(ages ...time.Duration) (*cloudwatchlogs.PutLogEventsOutput, error) {
		in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: named, LogStreamName: stream}
		for _, age := range ages {
			in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: aws.Int64(now.Add(-age).UnixMilli()), Message: aws.String(age.String())})
		}
		return f.logs.PutLogEvents(t.Context(), in)
	}
	_, err = put(time.Minute)
	f.refused(err, "ResourceNotFoundException")
	must[*cloudwatchlogs.CreateLogStreamOutput](f)(f.logs.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: named, LogStreamName: stream}))
	must[*cloudwatchlogs.PutLogEventsOutput](f)(put(2*time.Minute, time.Minute))
	must[*cloudwatchlogs.PutLogEventsOutput](f)(put(3*time.Minute, 90*time.Second))
	_, err = put(time.Minute, 2*time.Minute)
	f.refused(err, "InvalidParameterException", "chronological order")
	if out := must[*cloudwatchlogs.PutLogEventsOutput](f)(put(15 * 24 * time.Hour)); out.RejectedLogEventsInfo == nil || *out.RejectedLogEventsInfo.TooOldLogEventEndIndex != 1 {
		t.Errorf("what is too old: %+v", out.RejectedLogEventsInfo)
	}
	for restarted := range 2 {
		var got []string
		for _, e := range must[*cloudwatchlogs.GetLogEventsOutput](f)(f.logs.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: named, LogStreamName: stream, StartFromHead: aws.Bool(true)})).Events {
			got = append(got, *e.Message)
		}
		if strings.Join(got, " ") != "3m0s 2m0s 1m30s 1m0s" {
			t.Errorf("restarted %d: %q", restarted, got)
		}
		groups := must[*cloudwatchlogs.DescribeLogGroupsOutput](f)(f.logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePattern: aws.String("WEB")})).LogGroups
		if len(groups) != 1 || *groups[0].RetentionInDays != 7 {
			t.Errorf("restarted %d: %+v", restarted, groups)
		}
		if restarted == 0 {
			if closing := f.server.Close(); closing != nil {
				t.Fatal(closing)
			}
			f = start(t, opts)
		}
	}
	must[*cloudwatchlogs.DeleteLogStreamOutput](f)(f.logs.DeleteLogStream(t.Context(), &cloudwatchlogs.DeleteLogStreamInput{LogGroupName: named, LogStreamName: stream}))
	must[*cloudwatchlogs.DeleteLogGroupOutput](f)(f.logs.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: named}))
	_, err = f.logs.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: named})
	f.refused(err, "ResourceNotFoundException")
}
