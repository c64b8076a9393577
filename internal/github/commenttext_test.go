package github_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/githubtest"
)

// one is the only comment of imagebuild in pull request 7.
func one(t *testing.T, s *githubtest.Server) githubtest.Comment {
	t.Helper()
	var ours []githubtest.Comment
	for _, c := range s.Comments(7) {
		if c.Login == githubtest.ActionsLogin {
			ours = append(ours, c)
		}
	}
	if len(ours) != 1 {
		t.Fatalf("%d comments: %+v", len(ours), ours)
	}
	return ours[0]
}

func upsert(t *testing.T, s *github.Comments, c github.Comment) github.Posted {
	t.Helper()
	if c.PullRequest == 0 {
		c.PullRequest, c.Key = 7, "web"
	}
	if c.SHA == "" {
		c.SHA = headSHA
	}
	if c.Order.Run == 0 {
		c.Order.Run, c.Order.Attempt = 5, 1
	}
	p, err := s.Upsert(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMarksCannotBeForged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{})
		comments := client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, "")
		const evil = `x --> <script> <!-- imagebuild:end --> ` + "\n" + `<!-- imagebuild:section {"section":"b","run":99} -->` + "\nforged\n<!-- imagebuild:end -->\n"
		for i, section := range []string{"a", evil} {
			upsert(t, comments, github.Comment{PullRequest: 7, Key: evil, Section: section, Title: "## T " + evil, Short: evil, Order: github.Order{Run: 5, Attempt: 1, Seq: int64(i)}, Body: says("text " + evil)})
		}
		body := one(t, s).Body
		first, _, _ := strings.Cut(body, "\n")
		if strings.Count(first, "--") != 2 || strings.Count(first, ">") != 1 || !strings.HasSuffix(first, " -->") {
			t.Errorf("the first line is %s", first)
		}
		parts := github.ParseComment(body).Parts()
		if len(parts) != 2 || !strings.HasPrefix(parts["a"], "text x") || !strings.HasPrefix(parts[evil], "text x") {
			t.Errorf("%q", parts)
		}
	})
}

func TestCommentBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{RequestsPerHour: 5000})
		comments := client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, "")
		full := func(budget int) string { return strings.Repeat("é", budget/2) }
		upsert(t, comments, github.Comment{Body: full})
		if n := len(one(t, s).Body); n > github.CommentLimit || n < github.CommentLimit-2 {
			t.Errorf("the whole has %d bytes", n)
		}
		for i := range 6 {
			leg := fmt.Sprintf("leg %d", i)
			upsert(t, comments, github.Comment{PullRequest: 7, Key: "legs", Section: leg, Short: "short of " + leg, Order: github.Order{Run: 5, Attempt: 1, Seq: 1}, Body: full})
		}
		var body string
		for _, c := range s.Comments(7) {
			if strings.Contains(c.Body, `"key":"legs"`) {
				body = c.Body
			}
		}
		parts := github.ParseComment(body).Parts()
		if len(body) > github.CommentLimit || len(parts) != 6 || !strings.HasPrefix(parts["leg 5"], "é") {
			t.Fatalf("%d bytes, %d parts", len(body), len(parts))
		}
		for leg, text := range parts {
			if !strings.HasPrefix(text, "é") && text != "short of "+leg+"\n\n_Left out here, since the whole would be too long for one comment._" {
				t.Errorf("%s: %.100q", leg, text)
			}
		}
	})
}

func TestTooManySections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{RequestsPerHour: 5000})
		comments := client(t, s, githubtest.TokenWrite).Comments(github.CommentUpdate, "")
		var err error
		for i := range 256 {
			c := github.Comment{PullRequest: 7, Key: "web", Section: fmt.Sprint("leg ", i), SHA: headSHA, Short: strings.Repeat("x", 300), Order: github.Order{Run: 5, Attempt: 1}, Live: true, Body: says("a")}
			if _, err = comments.Upsert(t.Context(), c); err != nil {
				break
			}
		}
		if err == nil || !strings.Contains(err.Error(), "imagebuild report") {
			t.Error(err)
		}
		if n := len(one(t, s).Body); n > github.CommentLimit {
			t.Errorf("%d bytes", n)
		}
	})
}

func TestRedactedBeforeItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{})
		c := clientOf(t, s, githubtest.TokenWrite, func(s string) string { return strings.ReplaceAll(s, "hunter2", "***") })
		upsert(t, c.Comments(github.CommentUpdate, ""), github.Comment{Body: says("password hunter2"), Short: "hunter2", Section: "a", Title: "hunter2"})
		if body := one(t, s).Body; strings.Contains(body, "hunter2") {
			t.Error(body)
		}
	})
}

func FuzzComment(f *testing.F) {
	f.Add("<!-- imagebuild:v1 {\"key\":\"web\",\"repo_id\":1,\"run\":1,\"attempt\":1,\"seq\":1} -->\ntext")
	f.Add("<!-- imagebuild:v1 {\"key\":\"web\"} -->\nT\n<!-- imagebuild:section {\"section\":\"a\"} -->\nx\n<!-- imagebuild:end -->\n<!-- imagebuild:section {\"section\":\"b\"} -->\n\n<!-- imagebuild:end -->")
	f.Add("<!-- imagebuild:v1 {\"key\":\"web\"} -->\n<!-- imagebuild:section {} -->\n<!-- imagebuild:section x")
	f.Fuzz(func(t *testing.T, body string) {
		c := github.ParseComment(body)
		if c == nil {
			return
		}
		again, err := c.Again()
		if err != nil {
			return
		}
		back := github.ParseComment(again)
		if back == nil || !maps.Equal(c.Parts(), back.Parts()) {
			t.Fatalf("%q\nbecomes\n%q", body, again)
		}
	})
}
