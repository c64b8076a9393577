package aws_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/planner"
)

// Following a hundred builds costs no more than a call per second, and notices their end in time.
func TestFollowingAHundredBuilds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.stages = []stage{{"PENDING", time.Minute}, {"BUILDING", 50 * time.Minute}, {"TESTING", 10 * time.Minute}, {"AVAILABLE", 0}}
		c := f.clients(t)
		g := sealed(t, level2(100))
		f.everything(t, g, true)
		began := time.Now()
		seen, diags := c.Observe(t.Context(), g)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		p, diags := planner.Diff(g, seen, planner.DiffOptions{})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if got := verbs(p); got != "400 none, 100 wait" {
			t.Fatal(got)
		}
		f.times = nil
		r := carryOut(t.Context(), p, c.Driver(aws.Options{}))
		if r.err != nil {
			t.Fatal(r.err)
		}
		ends := began.Add(61 * time.Minute)
		waiting := slices.IndexFunc(f.times, func(at time.Time) bool { return !at.Before(ends) })
		if perSecond := float64(waiting) / ends.Sub(began).Seconds(); perSecond > 1 || waiting < 600 {
			t.Errorf("%d calls while waiting, %.2f per second", waiting, perSecond)
		}
		for i := 0; i+60 < waiting; i++ { // nor in any minute
			if f.times[i+60+2].Sub(f.times[i]) < 59*time.Second {
				t.Errorf("62 calls within %v from %v", f.times[i+62].Sub(f.times[i]), f.times[i].Sub(began))
				break
			}
		}
		if late := r.took - ends.Sub(began); late > time.Minute {
			t.Errorf("noticed %v late", late)
		}
		if got := r.states("image.m42"); !slices.Contains(got, "BUILDING ExecuteComponents") {
			t.Errorf("states %v", got)
		}
	})
}

// Lines come whole and in order, each once, however the log grows and whatever else is read.
func TestLogsInterleave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.stages = []stage{{"BUILDING", 10 * time.Minute}, {"AVAILABLE", 0}}
		random := rand.New(rand.NewPCG(3, 4))
		written := map[string][]string{}
		last := time.Now().Add(10*time.Minute + time.Second)
		f.always = func(string, object) (object, *refusal) {
			for arn := range f.things {
				if !strings.Contains(arn, ":image/") || time.Now().After(last) {
					continue
				}
				parts := strings.Split(arn, "/")
				stream := "/aws/imagebuilder/" + parts[1] + " " + parts[2] + "/" + parts[3]
				for range random.IntN(150) {
					line := fmt.Sprint(parts[1], " says ", len(written[parts[1]]))
					written[parts[1]] = append(written[parts[1]], line)
					f.logs[stream] = append(f.logs[stream], line)
				}
			}
			return nil, nil
		}
		c := f.clients(t)
		p := plan(t, c, level2(3))
		r := carryOut(t.Context(), p, c.Driver(aws.Options{}))
		if r.err != nil {
			t.Fatal(r.err)
		}
		for i := range 3 {
			got, want := r.lines(fmt.Sprint("image.m", i)), written[fmt.Sprint("my-recipe-", i)]
			if len(want) < 1000 || !slices.Equal(got, want) {
				t.Errorf("m%d: %d lines, want the %d written", i, len(got), len(want))
			}
		}
	})
}

// Lines that CloudWatch shows only after the build is over are read too, and the steps that the
// component runner announces are progress, each in its own state.
func TestLogThatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.stages = []stage{{"BUILDING", time.Minute}, {"TESTING", time.Minute}, {"AVAILABLE", 0}}
		begun := time.Now()
		written := []struct {
			at   time.Duration
			line string
		}{
			{0, "Document web"},
			{0, "Phase build"},
			{0, "Step one"},
			{35 * time.Second, "Step two"},
			{35 * time.Second, "Stdout: Step lie"},
			{95 * time.Second, "Phase test"},
			{95 * time.Second, "Step three"},
			{2*time.Minute + 1*time.Second, "late"},
			{2*time.Minute + 3*time.Second, "later"},
		}
		f.always = func(string, object) (object, *refusal) {
			for arn := range f.things {
				parts := strings.Split(arn, "/")
				if !strings.Contains(arn, ":image/") {
					continue
				}
				stream := "/aws/imagebuilder/" + parts[1] + " " + parts[2] + "/" + parts[3]
				f.logs[stream] = nil
				for _, w := range written {
					if time.Since(begun) >= w.at {
						f.logs[stream] = append(f.logs[stream], w.line)
					}
				}
			}
			return nil, nil
		}
		c := f.clients(t)
		r := carryOut(t.Context(), plan(t, c, level2(1)), c.Driver(aws.Options{}))
		if r.err != nil {
			t.Fatal(r.err)
		}
		if got := r.lines("image.m0"); len(got) != len(written) || got[len(got)-1] != "later" {
			t.Errorf("log %q", got)
		}
		want := "[BUILDING BUILDING web/build/one BUILDING web/build/two TESTING TESTING ExecuteComponents TESTING web/test/three AVAILABLE]"
		if got := fmt.Sprint(r.states("image.m0")); got != want {
			t.Errorf("progress %s\nwant     %s", got, want)
		}
		// A state comes after the lines that it concludes.
		at := func(what func(e executor.Event) bool) int { return slices.IndexFunc(r.events, what) }
		line := func(text string) int {
			return at(func(e executor.Event) bool { l, ok := e.(executor.Log); return ok && l.Line == text })
		}
		state := func(name string) int {
			return at(func(e executor.Event) bool { p, ok := e.(executor.Progressed); return ok && p.State == name })
		}
		for _, tt := range []struct{ before, after int }{
			{state("BUILDING"), line("Document web")}, {line("Step two"), state("TESTING")}, {state("TESTING"), line("Step three")}, {line("later"), state("AVAILABLE")},
		} {
			if tt.before < 0 || tt.after < tt.before {
				t.Errorf("an event at %d is to come before one at %d of %v", tt.before, tt.after, r.events)
			}
		}
	})
}

func TestLogThatCannotBeRead(t *testing.T) {
	for name, tt := range map[string]struct {
		no   *refusal
		want string
	}{
		"missing": {nil, "there is no such log"},
		"denied":  {&refusal{400, "AccessDeniedException", "not you"}, "may not be read"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.always = func(op string, _ object) (object, *refusal) {
				if op == "GetLogEvents" {
					return nil, tt.no
				}
				return nil, nil
			}
			c := f.clients(t)
			r := carryOut(t.Context(), plan(t, c, level2(1)), c.Driver(aws.Options{}))
			lines := r.lines("image.m0")
			if r.err != nil || len(lines) != 1 || !strings.Contains(lines[0], tt.want) {
				t.Errorf("%s: %v, log %q; want one remark", name, r.err, lines)
			}
		})
	}
}

// Answers that fail for a while are told and waited out: the build goes on without us.
func TestFollowingGoesOnAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		for range 30 {
			f.fail["GetImage"] = append(f.fail["GetImage"], refusal{503, "ServiceUnavailableException", "later"})
		}
		c := f.clients(t)
		r := carryOut(t.Context(), plan(t, c, level2(1)), c.Driver(aws.Options{}))
		var told int
		for _, e := range r.events {
			if _, ok := e.(executor.Retried); ok {
				told++
			}
		}
		if r.err != nil || told != 30 || f.calls["CreateImage"] != 1 {
			t.Errorf("%v, told %d times, %d builds", r.err, told, f.calls["CreateImage"])
		}
	})
}

// What will not pass ends the wait, and says so.
func TestFollowingEndsWhenRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.fail["GetImage"] = []refusal{{}, {}, {403, "ExpiredTokenException", "the token is old"}}
		c := f.clients(t)
		r := carryOut(t.Context(), plan(t, c, level2(1)), c.Driver(aws.Options{}))
		if r.err == nil || !strings.Contains(r.err.Error(), "ExpiredTokenException") || r.finished["image.m0"].Outputs["arn"] == nil {
			t.Errorf("%v %v", r.err, r.finished["image.m0"].Outputs)
		}
	})
}
