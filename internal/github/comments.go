package github

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	api "github.com/google/go-github/v60/github"
)

// Comments keeps one comment of each key in a pull request, however many jobs write it at once.
//
// GitHub has no compare-and-swap for comments. So every writer merges: it reads, puts its part where that is the
// newer, writes, waits a moment and looks whether its part is still there. Where two created one at once, the lowest id
// stays, and the others go once all they hold stands there. Lists may be behind; single comments are read anew.
type Comments struct {
	client *Client
	mode   CommentMode

	mu sync.Mutex
	// author is the logins whose comments are taken for ours, nil until asked for.
	author []string
	// known is the ids this writer made or saw, by pull request and key: a list may not show them yet.
	known map[string][]int64
}

// Comments returns the comments of the client's repository. author is the login of the app whose token is used, empty
// to ask GitHub.
func (c *Client) Comments(mode CommentMode, author string) *Comments {
	s := &Comments{client: c, mode: mode, known: map[string][]int64{}}
	if author != "" {
		s.author = []string{author}
	}
	return s
}

const (
	// actionsLogin is who the job's own token is in REST. Nobody can register a name with brackets.
	actionsLogin = "github-actions[bot]"
	commentsWhat = "comments on pull requests"
	commentsNeed = "pull-requests: write"
	// commentRounds is how often a writer merges again before it gives up.
	commentRounds = 8
	// settle is the least time after which a writer looks whether others wrote over it; as much again is random.
	settle = 1500 * time.Millisecond
)

// ErrContested is a comment that others wrote over each time it was written.
var ErrContested = errors.New("the comment was written over by other jobs each time; a part of it may be missing")

// posted is a comment of ours as GitHub has it.
type posted struct {
	id        int64
	node, url string
	body      string
	text      *commentText
}

// Upsert makes the pull request's comment of c.Key say c. An UnavailableError says that the token may not.
func (s *Comments) Upsert(ctx context.Context, c Comment) (Posted, error) {
	if s.mode == CommentOff {
		return Posted{}, nil
	}
	if c.PullRequest <= 0 || c.Key == "" {
		return Posted{}, errors.New("a comment needs the number of its pull request and a key")
	}
	w := &writer{Comments: s, c: c, part: part{Order: c.Order, Section: c.Section, SHA: c.SHA, Plan: c.Plan, Keep: c.Keep, Short: cut(s.client.redact(c.Short), shortLimit)}}
	for range commentRounds {
		done, err := w.round(ctx)
		if err != nil {
			return w.out, told(commentsWhat, commentsNeed, err)
		}
		if done {
			return w.out, nil
		}
	}
	return w.out, fmt.Errorf("comment %q of pull request %d: %w", c.Key, c.PullRequest, ErrContested)
}

// writer is one Upsert.
type writer struct {
	*Comments
	c    Comment
	part part
	// head is the head of the pull request while it is open, where it matters.
	head string
	out  Posted
}

// round merges once. It is done when what is to be said, or something newer, has been seen to stand there alone.
func (w *writer) round(ctx context.Context) (bool, error) {
	found, err := w.find(ctx)
	if err != nil {
		return false, err
	}
	if len(found) == 0 && w.c.Existing {
		return true, nil
	}
	if found, err = w.turn(ctx, found); err != nil {
		return false, err
	}
	if len(found) == 0 {
		return w.create(ctx)
	}
	keep, others := found[0], found[1:]
	w.out.ID, w.out.URL = keep.id, keep.url
	body, err := w.render(w.merged(found))
	if err != nil {
		return false, err
	}
	if body != strings.TrimRight(keep.body, "\n") {
		if err = w.edit(ctx, keep.id, body); gone(err) {
			w.forget(keep.id)
			return false, nil
		}
		if err != nil {
			return false, err
		}
	} else if len(others) == 0 {
		return true, nil
	}
	if w.c.Live && len(others) == 0 {
		return true, nil
	}
	return w.verify(ctx, keep.id, others)
}

// merged is what our comments say together, with our part where it is the newer.
func (w *writer) merged(found []posted) *commentText {
	t := found[0].text
	for _, other := range found[1:] {
		for _, p := range sortedParts(other.text) {
			t.put(p, w.newer)
		}
	}
	w.out.Superseded = !t.put(w.part, w.newer) && !t.same(w.part)
	if !w.out.Superseded {
		t.title = w.title()
	}
	return t
}

// same says whether the very part stands there already, from an earlier round or a live edit.
func (t *commentText) same(p part) bool {
	have, ok := t.parts[p.Section]
	return ok && have.Order == p.Order && have.SHA == p.SHA
}

func sortedParts(t *commentText) []part {
	var out []part
	for _, p := range t.parts {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b part) int { return strings.Compare(a.Section, b.Section) })
	return out
}

// render renders a text with our part in it, and its secrets covered.
func (w *writer) render(t *commentText) (string, error) {
	fill := func(budget int) string {
		return w.client.redact(w.c.Body(budget))
	}
	if !t.same(w.part) {
		fill = nil
	}
	body, err := t.render(w.part.Section, fill)
	return strings.TrimRight(body, "\n"), err
}

func (w *writer) title() string { return unmarked(w.client.redact(w.c.Title)) }

// verify waits a moment, looks whether all stands in the comment that stays, and deletes the others.
func (w *writer) verify(ctx context.Context, id int64, others []posted) (bool, error) {
	if err := pause(ctx, settle+rand.N(settle)); err != nil { // #nosec G404 -- spreads writers
		return false, err
	}
	now, err := w.read(ctx, id)
	if err != nil || now == nil {
		return false, err
	}
	if !now.text.holds(w.part, w.newer) {
		return false, nil
	}
	for _, other := range others {
		again, err := w.read(ctx, other.id)
		if err != nil {
			return false, err
		}
		if again == nil {
			continue
		}
		for _, p := range again.text.parts {
			if !now.text.holds(p, w.newer) {
				return false, nil
			}
		}
		if err = w.delete(ctx, other.id); err != nil {
			return false, err
		}
	}
	return true, nil
}

// create posts the comment; the next round looks whether another writer did at the same time.
func (w *writer) create(ctx context.Context) (bool, error) {
	t := &commentText{key: w.c.Key, repo: w.client.env.Repository.ID, title: w.title(), parts: map[string]part{w.part.Section: w.part}}
	body, err := w.render(t)
	if err != nil {
		return false, err
	}
	made, _, err := w.client.api.Issues.CreateComment(ctx, w.owner(), w.repo(), w.c.PullRequest, &api.IssueComment{Body: &body})
	if err != nil {
		return false, err
	}
	w.out.ID, w.out.URL = made.GetID(), made.GetHTMLURL()
	w.remember(made.GetID())
	w.learn(made.GetUser().GetLogin())
	return false, pause(ctx, settle+rand.N(settle)) // #nosec G404 -- spreads writers
}

func (w *writer) edit(ctx context.Context, id int64, body string) error {
	_, _, err := w.client.api.Issues.EditComment(ctx, w.owner(), w.repo(), id, &api.IssueComment{Body: &body})
	return err
}

// delete deletes a comment that may be gone already.
func (w *writer) delete(ctx context.Context, id int64) error {
	w.forget(id)
	_, err := w.client.api.Issues.DeleteComment(ctx, w.owner(), w.repo(), id)
	if gone(err) {
		return nil
	}
	return err
}

func gone(err error) bool {
	return status(err) == http.StatusNotFound || status(err) == http.StatusGone
}

func (s *Comments) owner() string { return s.client.env.Repository.Owner }

func (s *Comments) repo() string { return s.client.env.Repository.Name }
