package github_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/githubtest"
)

// written is how often a comment was written.
func written(s *githubtest.Server) int {
	n := 0
	for _, e := range s.Log() {
		if e.Method == "POST" && strings.Contains(e.Path, "/comments") || e.Method == "PATCH" {
			n++
		}
	}
	return n
}

func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{})
		comments := client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, "")
		live := comments.Live()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- live.Run(ctx) }()
		state := func(n int64, text string) github.Comment {
			return github.Comment{PullRequest: 7, Key: "web", SHA: headSHA, Order: order(5, 1, n), Body: says(text)}
		}
		// A state every second for five minutes: the comment is written every 20 seconds, each time with the newest.
		for n := range int64(300) {
			live.Show(state(n, fmt.Sprint("state ", n)))
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		if n := written(s); n < 13 || n > 16 {
			t.Errorf("written %d times", n)
		}
		if body := one(t, s).Body; !strings.HasSuffix(body, "state 299") {
			t.Error(body)
		}
		// States that say the same are not written.
		before := len(s.Log())
		for n := range int64(100) {
			live.Show(state(300+n, "state 299"))
			time.Sleep(time.Second)
		}
		if n := len(s.Log()); n != before {
			t.Errorf("%d requests for nothing new", n-before)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		upsert(t, comments, state(999, "the end"))
		if body := one(t, s).Body; !strings.HasSuffix(body, "the end") {
			t.Error(body)
		}
	})
}

func TestLiveSparesWhatIsScarce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{RequestsPerHour: 150})
		live := client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, "").Live()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- live.Run(ctx) }()
		for n := range int64(600) {
			live.Show(github.Comment{PullRequest: 7, Key: "web", SHA: headSHA, Order: order(5, 1, n), Body: says(strconv.FormatInt(n, 10))})
			time.Sleep(time.Second)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := written(s); n < 4 || n > 6 {
			t.Errorf("written %d times in ten minutes", n)
		}
	})
}

func TestLiveEndsWhereItMayNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{})
		live := client(t, s, githubtest.TokenRead).Comments(github.CommentUpdate, "").Live()
		live.Show(github.Comment{PullRequest: 7, Key: "web", SHA: headSHA, Order: order(5, 1, 1), Body: says("x")})
		if err := live.Run(t.Context()); github.Unavailable(err) == nil {
			t.Error(err)
		}
	})
}
