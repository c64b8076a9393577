package github

import (
	"context"
	"slices"
	"strconv"
	"strings"

	api "github.com/google/go-github/v60/github"
)

// find returns our comments of the key that are not retired, lowest id first, each read anew. While more is to come, one
// that was seen before is enough.
func (w *writer) find(ctx context.Context) ([]posted, error) {
	if err := w.identify(ctx); err != nil {
		return nil, err
	}
	ids := w.remembered()
	if w.c.Live && len(ids) > 0 {
		found, err := w.readAll(ctx, ids)
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	listed, err := w.list(ctx)
	if err != nil {
		return nil, err
	}
	return w.readAll(ctx, append(ids, listed...))
}

func (w *writer) readAll(ctx context.Context, ids []int64) ([]posted, error) {
	slices.Sort(ids)
	var out []posted
	for _, id := range slices.Compact(ids) {
		p, err := w.read(ctx, id)
		if err != nil {
			return nil, err
		}
		if p != nil {
			w.remember(id)
			out = append(out, *p)
		}
	}
	return out, nil
}

// list returns the ids of what a list shows as ours.
func (w *writer) list(ctx context.Context) ([]int64, error) {
	opts := &api.IssueListCommentsOptions{ListOptions: api.ListOptions{PerPage: pageSize}}
	var out []int64
	for {
		page, resp, err := w.client.api.Issues.ListComments(ctx, w.owner(), w.repo(), w.c.PullRequest, opts)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			if w.ours(c) != nil {
				out = append(out, c.GetID())
			}
		}
		if resp.NextPage == 0 {
			return out, nil
		}
		opts.Page = resp.NextPage
	}
}

// read reads one of our comments; nil where it is gone, retired or not ours any more.
func (w *writer) read(ctx context.Context, id int64) (*posted, error) {
	c, _, err := w.client.api.Issues.GetComment(ctx, w.owner(), w.repo(), id)
	if gone(err) {
		w.forget(id)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t := w.ours(c)
	if t == nil {
		w.forget(id)
		return nil, nil
	}
	if err = w.knowHead(ctx, t); err != nil {
		return nil, err
	}
	return &posted{id: id, node: c.GetNodeID(), url: c.GetHTMLURL(), body: c.GetBody(), text: t}, nil
}

// ours reads a comment that has our mark and our author: anybody can paste a mark.
func (w *writer) ours(c *api.IssueComment) *commentText {
	w.mu.Lock()
	by := slices.Contains(w.author, c.GetUser().GetLogin())
	w.mu.Unlock()
	if !by {
		return nil
	}
	t := parseComment(c.GetBody())
	if t == nil || t.retired || t.key != w.c.Key || t.repo != w.client.env.Repository.ID {
		return nil
	}
	return t
}

// identify asks once who we are. Where GitHub does not say, we are the job's own token.
func (s *Comments) identify(ctx context.Context) error {
	s.mu.Lock()
	known := s.author != nil
	s.mu.Unlock()
	if known {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	login, err := s.client.viewer(asking)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil || login == "" {
		login = actionsLogin
	}
	s.learn(login)
	return nil
}

// learn takes a login for ours: GitHub named it as the author of what we wrote.
func (s *Comments) learn(login string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if login != "" && !slices.Contains(s.author, login) {
		s.author = append(s.author, login)
	}
}

func (w *writer) place() string { return strconv.Itoa(w.c.PullRequest) + " " + w.c.Key }

func (w *writer) remembered() []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.known[w.place()])
}

func (w *writer) remember(id int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at := w.place(); !slices.Contains(w.known[at], id) {
		w.known[at] = append(w.known[at], id)
	}
}

func (w *writer) forget(id int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.place()
	w.known[at] = slices.DeleteFunc(w.known[at], func(k int64) bool { return k == id })
}

// knowHead reads the pull request's head where a state of another commit stands there: only then it matters. It is
// asked for each time, since commits are pushed while a build goes on.
func (w *writer) knowHead(ctx context.Context, t *commentText) error {
	if !slices.ContainsFunc(sortedParts(t), func(p part) bool { return p.SHA != w.c.SHA }) {
		return nil
	}
	pr, err := w.client.PullRequest(ctx, w.c.PullRequest)
	if pr.Open {
		w.head = pr.HeadSHA
	}
	if Unavailable(err) != nil {
		// A token that may write comments alone: the order of runs decides.
		return nil
	}
	return err
}

// newer says whether p is to stand rather than than. While a pull request is open, what is said of its head is newer than
// what is said of any other commit, whichever run said it; otherwise the order of runs decides.
func (w *writer) newer(p, than part) bool {
	if w.head != "" && (p.SHA == w.head) != (than.SHA == w.head) {
		return p.SHA == w.head
	}
	return p.Compare(than.Order) > 0
}

// turn ends the time of comments that this mode does not edit: of an earlier attempt, or of a result to keep.
func (w *writer) turn(ctx context.Context, found []posted) ([]posted, error) {
	var out []posted
	for _, p := range found {
		newest := p.text.newest()
		ended := w.newer(w.part, newest) && newest.attempt() != w.part.attempt()
		var err error
		switch {
		case ended && w.mode == CommentRecreate:
			err = w.delete(ctx, p.id)
		case ended && (w.mode == CommentNew || w.mode == CommentUpdate && p.text.keeps(w.c.SHA)):
			err = w.retire(ctx, p)
		default:
			out = append(out, p)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// keeps says whether there is a result of another commit that is to be kept.
func (t *commentText) keeps(sha string) bool {
	for _, p := range t.parts {
		if p.Keep && !strings.EqualFold(p.SHA, sha) {
			return true
		}
	}
	return false
}

// retire marks a comment as one that nobody edits any more, and folds it.
func (w *writer) retire(ctx context.Context, p posted) error {
	p.text.retired = true
	body, err := p.text.render(wholeComment, nil)
	if err != nil {
		return err
	}
	w.forget(p.id)
	if err = w.edit(ctx, p.id, body); gone(err) {
		return nil
	} else if err != nil {
		return err
	}
	w.out.NotFolded = w.client.minimize(ctx, p.node)
	return nil
}
