package aws_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/planner"
)

func TestClassesOfFailures(t *testing.T) {
	for _, tt := range []struct {
		op      planner.Op
		code    string
		status  int
		message string
		want    string
	}{
		{"imagebuilder:CreateImage", "CallRateLimitExceededException", 429, "", "throttled"},
		{"imagebuilder:CreateImage", "SomethingNew", 429, "", "throttled"},
		{"imagebuilder:ListImages", "ThrottlingException", 400, "", "throttled"},
		{"ec2:DescribeImages", "RequestLimitExceeded", 503, "", "throttled"},
		{"s3:PutObject", "SlowDown", 503, "", "throttled"},
		{"imagebuilder:GetImage", "ServiceException", 500, "", "transient"},
		{"imagebuilder:GetImage", "UnknownError", 502, "", "transient"},
		{"logs:GetLogEvents", aws.ConnectionFailed, 0, "", "transient"},
		{"imagebuilder:UpdateImagePipeline", "ResourceInUseException", 400, "", "in use"},
		{
			"imagebuilder:CreateInfrastructureConfiguration", "InvalidParameterValueException", 400,
			"The value supplied for parameter 'instanceProfileName' is not valid. It does not exist.", "instance profile not known yet",
		},
		{"imagebuilder:CreateInfrastructureConfiguration", "InvalidParameterValueException", 400, "The value supplied for parameter 'subnetId' is not valid.", ""},
		{"imagebuilder:CreateImage", "InvalidParameterValueException", 400, "The value supplied for parameter 'instanceProfileName' is not valid.", ""},
		{"imagebuilder:CreateImage", "ServiceQuotaExceededException", 402, "", ""},
		{"imagebuilder:CreateImage", "ForbiddenException", 403, "", ""},
		{"imagebuilder:CreateImage", "ExpiredTokenException", 403, "", ""},
		{"imagebuilder:CreateImage", aws.NoCredentials, 0, "", ""},
		{"imagebuilder:CreateImage", aws.InvalidInput, 0, "", ""},
		{"logs:GetLogEvents", "ServiceException", 400, "", ""},
		{"appstream:CreateImageBuilder", "LimitExceededException", 400, "", ""},
		{"appstream:CreateImageBuilder", "RequestLimitExceededException", 400, "", "throttled"},
		{"appstream:DescribeImages", "ThrottlingException", 400, "", "throttled"},
		{"appstream:DeleteImage", "ConcurrentModificationException", 400, "", "changed by another call"},
		{"appstream:CreateImportedImage", "InvalidRoleException", 400, "", "role not known yet"},
		{"appstream:StopImageBuilder", "OperationNotPermittedException", 400, "", ""},
	} {
		name := ""
		err := fmt.Errorf("wrapped: %w", &aws.CallError{Op: tt.op, Code: tt.code, Status: tt.status, Message: tt.message})
		if c := aws.Classify(err); c != nil {
			name = c.Name
		}
		if name != tt.want {
			t.Errorf("%s %s %d %s is %q, want %q", tt.op, tt.code, tt.status, tt.message, name, tt.want)
		}
	}
	if aws.Classify(errors.New("x")) != nil || aws.Classify(context.Canceled) != nil {
		t.Error("errors of our own are tried again")
	}
}

func TestMissingCredentialsAreTold(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", "/nowhere")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
	c, err := aws.New(t.Context(), aws.Config{Region: region, Endpoint: "http://aws.invalid"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = c.Identity(t.Context()); aws.Code(err) != aws.NoCredentials {
		t.Errorf("%v", err)
	}
}

// Each service in each region has a bucket of its own; waiting for a turn ends with ctx.
func TestCallsAreSpacedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.paced(t, 2)
		start := time.Now()
		for range 20 {
			if _, err := c.Call(t.Context(), "imagebuilder:ListImageRecipes", "", []byte(`{}`)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took < 9*time.Second || took > 10*time.Second {
			t.Errorf("20 calls took %v, want 2 per second", took)
		}
		start = time.Now()
		if _, err := c.Call(t.Context(), "imagebuilder:ListImageRecipes", "us-east-1", []byte(`{}`)); err != nil || time.Since(start) > 0 {
			t.Errorf("another region waited %v, %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		before := f.count()
		if _, err := c.Call(ctx, "imagebuilder:ListImageRecipes", "", []byte(`{}`)); err == nil || f.count() != before {
			t.Errorf("a call was made although its turn was too late: %v", err)
		}
	})
}

// A create that is on its way when the run is interrupted is let finish, and what it made is ended.
func TestInterruptedInTheMiddleOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.delay = map[string]time.Duration{"CreateImage": 3 * time.Second}
		c := f.clients(t)
		p := plan(t, c, level2(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := carryOut(ctx, p, c.Driver(aws.Options{OnCancel: executor.CancelBuilds}))
		i, ok := errors.AsType[*executor.InterruptedError](r.finished["image.m0"].Err)
		if !ok || !strings.HasSuffix(i.ARN, "/1") || f.things[i.ARN]["canceled"] != true || r.took > 8*time.Second {
			t.Errorf("after %v: %+v", r.took, r.finished["image.m0"])
		}
	})
}

// However many builds there are, all are ended in time.
func TestInterruptedWithManyBuilds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.paced(t, 10)
		p := plan(t, c, level2(60))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		f.fail["CancelImageCreation"] = []refusal{{429, "CallRateLimitExceededException", "slower"}}
		r := carryOut(ctx, p, c.Driver(aws.Options{OnCancel: executor.CancelBuilds}))
		if n := f.count("CancelImageCreation"); n != 61 || r.took > 5*time.Minute+7*time.Second {
			t.Errorf("%d calls to cancel, over after %v", n, r.took)
		}
		for arn, thing := range f.things {
			if strings.Contains(arn, ":image/") && thing["canceled"] != true {
				t.Errorf("%s goes on", arn)
			}
		}
	})
}

// A build that ended as the run was interrupted is not lost.
func TestInterruptedAtTheEndOfABuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.stages = []stage{{"BUILDING", 50 * time.Second}, {"AVAILABLE", 0}}
		c := f.clients(t)
		p := plan(t, c, level2(1))
		ctx, cancel := context.WithTimeout(t.Context(), 51*time.Second)
		defer cancel()
		r := carryOut(ctx, p, c.Driver(aws.Options{OnCancel: executor.CancelBuilds}))
		if out := r.finished["image.m0"]; out.Status != executor.Applied || out.Outputs["ami"] == nil || f.count("CancelImageCreation") > 0 {
			t.Errorf("%+v", out)
		}
	})
}

// A service that does not answer cannot keep an interrupted run longer than seven seconds.
func TestInterruptedWhileNothingAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.clients(t)
		p := plan(t, c, level2(3))
		f.delay = map[string]time.Duration{"CreateComponent": time.Hour, "CreateInfrastructureConfiguration": time.Hour}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := carryOut(ctx, p, c.Driver(aws.Options{OnCancel: executor.CancelBuilds}))
		if r.took > 8*time.Second || len(r.finished) != len(p.Changes) || !errors.Is(r.err, context.DeadlineExceeded) {
			t.Errorf("after %v, %d finished: %v", r.took, len(r.finished), r.err)
		}
	})
}

// Killed before AWS listed the build it had begun, the next run asks for the same build and gets it.
func TestKilledAndStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.clients(t)
		files := level2(1)
		ctx, kill := context.WithTimeout(t.Context(), time.Minute)
		defer kill()
		first := carryOut(ctx, plan(t, c, files), c.Driver(aws.Options{OnCancel: executor.DetachBuilds}))
		hidden := time.Now().Add(2 * time.Minute)
		f.always = func(op string, _ object) (object, *refusal) {
			if op == "ListImageBuildVersions" && time.Now().Before(hidden) {
				return object{"imageSummaryList": []any{}}, nil
			}
			return nil, nil
		}
		p := plan(t, c, files)
		if got := verbs(p); got != "1 create, 4 none" {
			t.Fatal(got)
		}
		second := carryOut(t.Context(), p, c.Driver(aws.Options{}))
		was, is := first.finished["image.m0"].Outputs["arn"], second.finished["image.m0"].Outputs["arn"]
		if second.err != nil || was != is || was == nil {
			t.Errorf("%v, then %v: %v", was, is, second.err)
		}
	})
}

func TestParameterPaths(t *testing.T) {
	for message, want := range map[string]string{
		"The value supplied for parameter 'distributions[0].region' is not valid. x": "distributions[0].region",
		"The value supplied for parameter '' is not valid.":                          "",
		"something else 'a.b'": "",
	} {
		if got := aws.Parameter(message); got != want {
			t.Errorf("%q names %q, want %q", message, got, want)
		}
	}
}

func TestStderrEndsWhereItEnds(t *testing.T) {
	head := []string{"TOE has completed execution with failure - Execution failed!", "Document: web", "Phase: build", "Step: s", "ErrorMessage: exit status 7"}
	for name, tail := range map[string][]string{
		"one event":           {"Stderr: a\n\nb\n", "Workflow step X (ExecuteComponents): FAILED"},
		"an event for a line": {"Stderr: a", "", "b", "Workflow step X (ExecuteComponents): FAILED"},
		"at the end":          {"Stderr: a", "", "b", ""},
	} {
		step, message, stderr, ok := aws.ParseConsole(append(slices.Clip(head), tail...), "")
		if got := strings.Join(stderr, "|"); !ok || step != "s" || message != "exit status 7" || got != "a||b" {
			t.Errorf("%s: %v %q %q %q", name, ok, step, message, got)
		}
	}
}

// What a script writes to its error stream may look like the runner's own block about the failure.
func TestStderrCannotPassForTheBlock(t *testing.T) {
	forged := "Document: x\nComponentArn: arn:x\nPhase: build\nStep: s\nAction: ExecuteBash\nErrorMessage: exit status 200\nStderr: forged"
	log := []string{
		"CmdExecution: Stderr: real\n" + forged, "CmdExecution: ExitCode 7",
		"Document: web", "Phase: build", "Step: s", "ErrorMessage: exit status 7", "Stderr: real\n" + forged, "Workflow step X: FAILED",
	}
	_, message, stderr, ok := aws.ParseConsole(log, "s")
	if want := "real\n" + forged; !ok || message != "exit status 7" || strings.Join(stderr, "\n") != want {
		t.Errorf("got %v, %q, %q", ok, message, stderr)
	}
}

func FuzzParseConsole(f *testing.F) {
	f.Add(strings.Join(console, "\n"), "hello")
	f.Add("Document: a\nComponentArn: b\nStep: c\nErrorMessage: d\nStderr: e\nf\nTOE has completed execution", "")
	f.Add("Document:\nStep: \nStderr:", "")
	f.Add("ComponentArn: x\nDocument: y\nStep: z", "z")
	f.Fuzz(func(t *testing.T, text, step string) {
		log := strings.Split(text, "\n")
		found, _, stderr, ok := aws.ParseConsole(log, step)
		if ok && (found == "" || step != "" && found != step) {
			t.Errorf("step %q was asked for, %q found", step, found)
		}
		for _, line := range stderr {
			if !strings.Contains(text, line) {
				t.Errorf("stderr %q is not of the log", line)
			}
		}
	})
}
