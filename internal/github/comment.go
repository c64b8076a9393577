package github

import "cmp"

// CommentLimit is how many bytes a comment may have. GitHub takes 65 536 characters; the rest is slack.
const CommentLimit = 60_000

// CommentMode says what becomes of the comments of earlier runs.
type CommentMode string

// The modes. Within one attempt of a run, a comment is always edited.
const (
	// CommentUpdate edits the one comment. One that tells of a result worth keeping, of another commit, is folded
	// as outdated first, and a new one begins.
	CommentUpdate CommentMode = "update"
	// CommentRecreate deletes the earlier comment, so that the new one stands at the end of the conversation.
	CommentRecreate CommentMode = "recreate"
	// CommentNew folds the earlier comment as outdated and begins a new one.
	CommentNew CommentMode = "new"
	// CommentOff writes none.
	CommentOff CommentMode = "off"
)

// Order is which of two states of a comment is the newer: by run, then attempt, then Seq, which grows within an
// attempt over all of its jobs; milliseconds since 1970 do.
type Order struct {
	Run     int64 `json:"run"`
	Attempt int64 `json:"attempt"`
	Seq     int64 `json:"seq"`
}

// Compare is negative where o is older than p.
func (o Order) Compare(p Order) int {
	return cmp.Or(o.attempt().compare(p.attempt()), cmp.Compare(o.Seq, p.Seq))
}

// attempt is an order without its Seq.
type attempt struct{ run, attempt int64 }

func (o Order) attempt() attempt { return attempt{o.Run, o.Attempt} }

func (a attempt) compare(b attempt) int {
	return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.attempt, b.attempt))
}

// Comment is what is to stand in a pull request.
type Comment struct {
	PullRequest int
	// Key tells one comment of imagebuild from another in the same pull request: the configuration's path, the environment.
	Key string
	// Section is the part of the comment that this writer owns, named after its leg of a matrix. Empty, it owns the whole.
	Section string
	// Title is Markdown above the sections; the newest writer's stands. Only with Section.
	Title string
	Order Order
	// SHA is the head commit this is about. A state of the pull request's head is not replaced by one of another commit.
	SHA string
	// Plan is the digest of the plan shown, if one is.
	Plan string
	// Keep says that this is a result to be kept for the record: see CommentUpdate.
	Keep bool
	// Short is a line of Markdown, at most 300 bytes, that takes a section's place where all together are too long.
	Short string
	// Body renders the Markdown into at most budget bytes. It may be called more than once.
	Body func(budget int) string
	// Existing says to write only where a comment of the key is already.
	Existing bool
	// Live says that more is to come: it is written with as few requests as can be, and not verified.
	Live bool
}

// Posted is what became of a Comment.
type Posted struct {
	ID  int64
	URL string
	// Superseded says that a newer state stood there and was left alone.
	Superseded bool
	// NotFolded says why an outdated comment could not be folded. It is marked as outdated for us all the same.
	NotFolded error
}
