package github_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/githubtest"
)

const (
	headSHA  = "1111111111111111111111111111111111111111"
	otherSHA = "2222222222222222222222222222222222222222"
)

// fake is a GitHub without a network, with pull request 7, and a client of it.
func fake(t *testing.T, o githubtest.Options) *githubtest.Server {
	t.Helper()
	s, err := githubtest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.SetPullRequest(githubtest.PullRequest{Number: 7, HeadSHA: headSHA})
	t.Cleanup(func() {
		for _, e := range s.Log() {
			if e.Problem != "" {
				t.Errorf("%s %s: %s", e.Method, e.Path, e.Problem)
			}
		}
	})
	return s
}

func client(t *testing.T, s *githubtest.Server, token string) *github.Client {
	t.Helper()
	return clientOf(t, s, token, func(s string) string { return s })
}

func clientOf(t *testing.T, s *githubtest.Server, token string, redact func(string) string) *github.Client {
	t.Helper()
	vars, err := s.Environ(t.TempDir(), githubtest.Job{Event: "push", SHA: headSHA})
	if err != nil {
		t.Fatal(err)
	}
	env, err := github.ReadEnvironment(func(k string) string { return vars[k] })
	if err != nil {
		t.Fatal(err)
	}
	c, err := github.NewClient(env, github.ClientOptions{Token: token, Transport: s, Redact: redact})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func says(text string) func(int) string { return func(int) string { return text } }

// Two jobs write one comment 200 times, at random, through a GitHub that is slow and whose lists are behind: one comment
// is left, and it is the newest.
func TestTwoJobsOneComment(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { race(t, seed, 200, func(int) string { return "" }) })
	}
}

// Two legs of a matrix write their sections of one comment at the same time: both stand there at the end.
func TestTwoLegsOneComment(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			race(t, seed, 60, func(job int) string { return fmt.Sprintf(`{"os":"%d--> "}`, job) })
		})
	}
}

func race(t *testing.T, seed uint64, writes int, section func(job int) string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		r := rand.New(rand.NewPCG(seed, 1))
		random := func(most time.Duration) time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return time.Duration(r.Int64N(int64(most)))
		}
		s := fake(t, githubtest.Options{
			RequestsPerHour: 15000,
			Latency:         func() time.Duration { return random(300 * time.Millisecond) },
			Lag:             func() time.Duration { return random(3 * time.Second) },
		})
		s.AddComment(7, "mallory", `<!-- imagebuild:v1 {"key":"web","repo_id":1,"run":99,"attempt":1,"seq":99} -->`+"\nforged")
		var seq atomic.Int64
		var last [2]int64
		var wg sync.WaitGroup
		for job := range 2 {
			comments := client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, "")
			wg.Go(func() {
				for {
					n := seq.Add(1)
					if n > int64(writes) {
						return
					}
					time.Sleep(random(4 * time.Second))
					c := github.Comment{PullRequest: 7, Key: "web", Section: section(job), SHA: headSHA, Order: github.Order{Run: 5, Attempt: 1, Seq: n}, Body: says(fmt.Sprintf("state %d of job %d", n, job))}
					if _, err := comments.Upsert(t.Context(), c); err != nil {
						t.Errorf("job %d, write %d: %v", job, n, err)
					}
					last[job] = n
				}
			})
		}
		wg.Wait()
		var ours []string
		for _, c := range s.Comments(7) {
			if c.Login == githubtest.ActionsLogin {
				ours = append(ours, c.Body)
			}
		}
		if len(ours) != 1 {
			t.Fatalf("%d comments:\n%s", len(ours), strings.Join(ours, "\n\n"))
		}
		for job, n := range last {
			want := strings.Contains(ours[0], fmt.Sprintf("state %d of job %d", n, job))
			if (section(job) != "" || n == int64(writes)) && !want {
				t.Errorf("the last state of job %d, %d, is not in\n%s", job, n, ours[0])
			}
		}
	})
}

// Four legs write their only state at the same moment: none is lost, though none writes again.
func TestLegsAtOneMoment(t *testing.T) {
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			r := rand.New(rand.NewPCG(seed, 2))
			s := fake(t, githubtest.Options{Latency: func() time.Duration {
				mu.Lock()
				defer mu.Unlock()
				return time.Duration(r.Int64N(int64(300 * time.Millisecond)))
			}})
			var wg sync.WaitGroup
			legs := []string{"a", "b", "c", "d"}
			for _, leg := range legs {
				comments := client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, "")
				wg.Go(func() {
					c := github.Comment{PullRequest: 7, Key: "web", Section: leg, SHA: headSHA, Order: github.Order{Run: 5, Attempt: 1, Seq: 1}, Body: says("all of leg " + leg)}
					if _, err := comments.Upsert(t.Context(), c); err != nil {
						t.Errorf("%s: %v", leg, err)
					}
				})
			}
			wg.Wait()
			got := s.Comments(7)
			if len(got) != 1 {
				t.Fatalf("seed %d: %d comments", seed, len(got))
			}
			for _, leg := range legs {
				if !strings.Contains(got[0].Body, "all of leg "+leg) {
					t.Errorf("seed %d: leg %s is not in\n%s", seed, leg, got[0].Body)
				}
			}
		})
	}
}
