package github_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/githubtest"
)

func order(run, attempt, seq int64) github.Order {
	return github.Order{Run: run, Attempt: attempt, Seq: seq}
}

func TestAnOlderStateDoesNotReplaceANewerOne(t *testing.T) {
	for _, tt := range []struct {
		name        string
		first, then github.Comment
		pull        githubtest.PullRequest
		want        string
	}{
		{"newer run", github.Comment{Order: order(5, 1, 9)}, github.Comment{Order: order(6, 1, 1)}, githubtest.PullRequest{}, "then"},
		{"older run", github.Comment{Order: order(6, 1, 1)}, github.Comment{Order: order(5, 1, 9)}, githubtest.PullRequest{}, "first"},
		{"newer attempt", github.Comment{Order: order(5, 1, 9)}, github.Comment{Order: order(5, 2, 1)}, githubtest.PullRequest{}, "then"},
		{"older state", github.Comment{Order: order(5, 1, 9)}, github.Comment{Order: order(5, 1, 8)}, githubtest.PullRequest{}, "first"},
		{"a newer run of another commit than the head", github.Comment{Order: order(5, 1, 1), SHA: headSHA}, github.Comment{Order: order(6, 1, 1), SHA: otherSHA}, githubtest.PullRequest{}, "first"},
		{"an older run of the head", github.Comment{Order: order(6, 1, 1), SHA: otherSHA}, github.Comment{Order: order(5, 1, 1), SHA: headSHA}, githubtest.PullRequest{}, "then"},
		{"the merge, after the head's", github.Comment{Order: order(5, 1, 1), SHA: headSHA}, github.Comment{Order: order(6, 1, 1), SHA: otherSHA}, githubtest.PullRequest{MergeSHA: otherSHA}, "then"},
		{"neither is the head", github.Comment{Order: order(5, 1, 1), SHA: strings.Repeat("3", 40)}, github.Comment{Order: order(6, 1, 1), SHA: otherSHA}, githubtest.PullRequest{}, "then"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := fake(t, githubtest.Options{})
				tt.pull.Number, tt.pull.HeadSHA = 7, headSHA
				s.SetPullRequest(tt.pull)
				tt.first.Body, tt.then.Body = says("first"), says("then")
				upsert(t, client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, ""), tt.first)
				got := upsert(t, client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, ""), tt.then)
				c := one(t, s)
				if !strings.HasSuffix(c.Body, "\n"+tt.want) || got.Superseded != (tt.want == "first") || got.ID != c.ID || got.URL == "" {
					t.Errorf("%+v: %s", got, c.Body)
				}
			})
		})
	}
}

// A run's sections replace those of earlier runs, whose legs may be no more; an attempt's stand beside those of the attempt
// before; the whole of a last job takes the place of the sections it was made of.
func TestSectionsOfSeveralRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{})
		comments := client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, "")
		for _, step := range []struct {
			section string
			order   github.Order
			want    string
		}{
			{"a", order(5, 1, 1), "a"},
			{"b", order(5, 1, 2), "a b"},
			{"a", order(5, 2, 1), "a b"},
			{"", order(5, 2, 2), "whole"},
			{"b", order(5, 2, 1), "whole"},
			{"c", order(6, 1, 1), "c"},
			{"a", order(5, 3, 9), "c"},
			{"", order(5, 3, 9), "c"},
			{"b", order(6, 1, 2), "b c"},
			{"", order(6, 1, 2), "whole"},
		} {
			upsert(t, comments, github.Comment{PullRequest: 7, Key: "web", Section: step.section, Order: step.order, Body: says("x")})
			got := []string{}
			for name := range github.ParseComment(one(t, s).Body).Parts() {
				got = append(got, cmp.Or(name, "whole"))
			}
			slices.Sort(got)
			if strings.Join(got, " ") != step.want {
				t.Errorf("after %q %v there is %q, want %q", step.section, step.order, got, step.want)
			}
		}
	})
}

func TestOnlyWhereThereIsOne(t *testing.T) {
	for _, mode := range []github.CommentMode{github.CommentUpdate, github.CommentNew, github.CommentRecreate} {
		synctest.Test(t, func(t *testing.T) {
			s := fake(t, githubtest.Options{})
			comments := client(t, s, githubtest.TokenWrite).Comments(mode, "")
			if got := upsert(t, comments, github.Comment{Existing: true, Body: says("x")}); got.ID != 0 || len(s.Comments(7)) != 0 {
				t.Errorf("%s: %+v", mode, got)
			}
			upsert(t, comments, github.Comment{Order: order(5, 1, 1), Body: says("first")})
			got := upsert(t, comments, github.Comment{Existing: true, Order: order(6, 1, 1), Body: says("second")})
			all := s.Comments(7)
			if last := all[len(all)-1]; !strings.HasSuffix(last.Body, "second") || got.ID != last.ID {
				t.Errorf("%s: %+v", mode, all)
			}
		})
	}
}

func TestModes(t *testing.T) {
	for _, tt := range []struct {
		mode github.CommentMode
		keep bool
		// What stands after a second run of another commit, oldest first; "-" before a text is a folded one.
		want string
	}{
		{github.CommentUpdate, false, "second, third"},
		{github.CommentUpdate, true, "-first|second, third"},
		{github.CommentNew, false, "-first|second, third"},
		{github.CommentRecreate, false, "second, third"},
		{github.CommentOff, false, ""},
	} {
		t.Run(string(tt.mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := fake(t, githubtest.Options{})
				s.SetPullRequest(githubtest.PullRequest{Number: 7, HeadSHA: otherSHA})
				a := upsert(t, client(t, s, githubtest.TokenWrite).Comments(tt.mode, ""), github.Comment{SHA: otherSHA, Keep: tt.keep, Order: order(5, 1, 1), Body: says("first")})
				s.SetPullRequest(githubtest.PullRequest{Number: 7, HeadSHA: headSHA})
				next := client(t, s, githubtest.TokenWrite).Comments(tt.mode, "")
				b := upsert(t, next, github.Comment{Order: order(6, 1, 1), Body: says("second")})
				c := upsert(t, next, github.Comment{Order: order(6, 1, 2), Keep: true, Body: says("second, third")})
				if b.NotFolded != nil || b.ID != c.ID || tt.mode == github.CommentRecreate && a.ID == b.ID {
					t.Errorf("%+v %+v %+v", a, b, c)
				}
				var got []string
				for _, k := range s.Comments(7) {
					_, text, _ := strings.Cut(k.Body, "\n")
					if k.Minimized == "OUTDATED" {
						text = "-" + text
					}
					got = append(got, text)
				}
				if strings.Join(got, "|") != tt.want {
					t.Errorf("%q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestAMarkOfSomebodyElseIsNotOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{})
		upsert(t, client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, ""), github.Comment{Body: says("first")})
		forged := strings.Replace(one(t, s).Body, `"run":5`, `"run":500`, 1)
		id := s.AddComment(7, "mallory", forged)
		upsert(t, client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, ""), github.Comment{Order: order(5, 1, 2), Body: says("second")})
		if body := one(t, s).Body; !strings.HasSuffix(body, "second") {
			t.Error(body)
		}
		for _, c := range s.Comments(7) {
			if c.ID == id && c.Body != forged {
				t.Error("the comment of somebody else was changed")
			}
		}
	})
}

func TestAppsAreWhoTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{})
		s.AddToken("app", githubtest.Account{Login: "release-app[bot]", Permissions: map[string]string{"issues": "write"}})
		upsert(t, client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, ""), github.Comment{Body: says("of Actions")})
		for _, text := range []string{"first", "second"} {
			upsert(t, client(t, s, "app").Comments(github.CommentUpdate, ""), github.Comment{Order: order(6, 1, int64(len(text))), Body: says(text)})
		}
		got := s.Comments(7)
		if len(got) != 2 || got[1].Login != "release-app[bot]" || !strings.HasSuffix(got[1].Body, "second") {
			t.Errorf("%+v", got)
		}
	})
}

func TestALongConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{})
		for range 150 {
			s.AddComment(7, "octocat", "text")
		}
		for _, text := range []string{"first", "second"} {
			upsert(t, client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, ""), github.Comment{Order: order(6, 1, int64(len(text))), Body: says(text)})
		}
		if body := one(t, s).Body; !strings.HasSuffix(body, "second") {
			t.Error(body)
		}
	})
}

func TestCommentsThatMayNotBe(t *testing.T) {
	for _, tt := range []struct {
		name, token, want string
		set               func(*githubtest.Server)
	}{
		{"a fork", githubtest.TokenRead, "403 Resource not accessible by integration", func(*githubtest.Server) {}},
		{"a wrong token", "x", "401 Bad credentials", func(*githubtest.Server) {}},
		{"locked", githubtest.TokenWrite, "issue is locked", func(s *githubtest.Server) {
			s.SetPullRequest(githubtest.PullRequest{Number: 7, HeadSHA: headSHA, Locked: true})
		}},
		{"used up", githubtest.TokenWrite, "2 requests of this hour are used up; there are new ones at 01:00:00 UTC", func(*githubtest.Server) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := githubtest.Options{}
				if tt.name == "used up" {
					o.RequestsPerHour = 2
				}
				s := fake(t, o)
				tt.set(s)
				_, err := client(t, s, tt.token).Comments(github.CommentUpdate, "").Upsert(t.Context(), github.Comment{PullRequest: 7, Key: "web", Body: says("x")})
				if u := github.Unavailable(err); u == nil || !strings.Contains(u.Error(), tt.want) {
					t.Error(err)
				}
				if len(s.Comments(7)) != 0 {
					t.Error("there is a comment")
				}
			})
		})
	}
}

func TestPatience(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault githubtest.Fault
		waits time.Duration
	}{
		{"retry-after", githubtest.Fault{Status: 403, Message: "slow down", Header: map[string]string{"Retry-After": "30"}}, 30 * time.Second},
		{"too many", githubtest.Fault{Status: 429, Message: "slow down"}, time.Minute},
		{"no more, for a while", githubtest.Fault{Status: 403, Message: "used up", Header: map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "946684890"}}, 91 * time.Second},
		{"broken", githubtest.Fault{Method: "GET", Status: 502}, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := fake(t, githubtest.Options{})
				tt.fault.Path, tt.fault.Times = "/comments", 1
				s.Fail(tt.fault)
				start := time.Now()
				upsert(t, client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, ""), github.Comment{Body: says("x")})
				if d := time.Since(start); d < tt.waits || d > tt.waits+4*time.Second {
					t.Errorf("it took %v", d)
				}
				one(t, s)
			})
		})
	}
}

// A POST whose answer is lost is not sent again: the next writer finds what it made.
func TestALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{})
		s.Fail(githubtest.Fault{Method: "POST", Path: "/comments", Times: 1, Status: 502, After: true})
		comments := client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, "")
		c := github.Comment{PullRequest: 7, Key: "web", SHA: headSHA, Order: order(5, 1, 1), Body: says("x")}
		if _, err := comments.Upsert(t.Context(), c); err == nil || !strings.Contains(err.Error(), "502") {
			t.Error(err)
		}
		c.Order.Seq = 2
		upsert(t, comments, c)
		one(t, s)
	})
}

// A list that is far behind does not show what was just made: it is not made again.
func TestAListThatIsFarBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{Lag: func() time.Duration { return time.Minute }})
		comments := client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, "")
		for n := range int64(3) {
			upsert(t, comments, github.Comment{Order: order(5, 1, n+1), Body: says("x")})
		}
		made := 0
		for _, e := range s.Log() {
			if e.Method == "POST" && strings.HasSuffix(e.Path, "/comments") {
				made++
			}
		}
		if made != 1 {
			t.Errorf("made %d times", made)
		}
		one(t, s)
	})
}
