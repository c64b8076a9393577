package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/org/imagebuild-action/dsl"
)

// A PullRequest makes of a plan what a pull request may do: the resources that its merge would make
// too, under the same names and versions, for a time; nothing that others follow, and nothing
// beyond the region built in.
type PullRequest struct {
	// Repository keeps the numbers of several repositories in one account apart: "owner/name", in
	// which GitHub does not tell case.
	Repository string
	Number     int // from 1
	// Expires is how long what it made is kept after its last build.
	Expires time.Duration
}

// ParsePullRequest reads "12", a pull request of repository, or "owner/name#12".
func ParsePullRequest(s, repository string) (*PullRequest, error) {
	number := s
	if i := strings.LastIndexByte(s, '#'); i >= 0 {
		repository, number = s[:i], s[i+1:]
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("%q is no pull request: write its number, or OWNER/NAME#NUMBER", s)
	}
	if repository == "" {
		return nil, fmt.Errorf("pull request %d is of an unknown repository, and numbers repeat: write OWNER/NAME#%d", n, n)
	}
	return &PullRequest{Repository: repository, Number: n}, nil
}

// String is how people write it: "owner/name#12".
func (p *PullRequest) String() string { return p.Repository + "#" + strconv.Itoa(p.Number) }

// Tag is the tag that says that a resource is kept for this pull request. Each pull request has a key
// of its own, so that several can keep the same resource. A repository whose name AWS does not
// take in a key, or not whole, stands there as the beginning of its sha256.
func (p *PullRequest) Tag() (key, value string) {
	const longest = 128 // TagKey of the Image Builder model
	scope := strings.ToLower(p.Repository)
	end := ":" + strconv.Itoa(p.Number)
	if tagText(scope) != scope || len(pullRequestPrefix)+len(scope)+len(end) > longest {
		sum := sha256.Sum256([]byte(scope))
		scope = hex.EncodeToString(sum[:8])
	}
	value = tagText(p.Repository) + "/pull/" + strconv.Itoa(p.Number)
	if len(value) > maxTagValue {
		value = scope + "/pull/" + strconv.Itoa(p.Number)
	}
	return pullRequestPrefix + scope + end, value
}

// pullRequestPrefix begins the key of every pull request's tag.
const pullRequestPrefix = TagPullRequest + ":"

// PullRequestTags are the keys among tags that keep a resource for a pull request, sorted.
func PullRequestTags(tags map[string]string) []string {
	var keys []string
	for k := range tags {
		if strings.HasPrefix(k, pullRequestPrefix) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// Passing reports whether a resource with these tags is kept for a time only: it is a pull request's.
func Passing(tags map[string]string) bool {
	return tags[TagExpires] != "" || len(PullRequestTags(tags)) > 0
}

// tagText is a text with what AWS does not take in tags replaced.
func tagText(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" _.:/=+-@", r) {
			return r
		}
		return '_'
	}, s)
}

// A Retag is a change of tags, by key.
type Retag struct {
	Add    map[string]string
	Remove []string // sorted
}

// confine makes of a change what the pull request may do.
func (d *differ) confine(c *Change) {
	pr := d.opts.PullRequest
	moves := c.Verb == Create || c.Verb == Update
	if c.Kind.Pointer != "" && (moves || c.Kind.Unsettled != nil && c.Verb == Wait) {
		does := string(c.Verb) + "s it"
		if c.Verb == Wait {
			does = "waits for it"
		}
		d.leave(c, c.Kind.Pointer+"; the merge "+does+" ("+c.Reason+")")
		return
	}
	if !moves {
		return
	}
	in := maps.Clone(c.Input)
	if c.Kind.Confine != nil {
		in, c.Left = c.Kind.Confine(c.Node)
	}
	if missing, ok := d.unmade(in); ok {
		d.leave(c, fmt.Sprintf("it needs %s, which the merge makes", missing))
		return
	}
	member := c.Kind.tagsMember()
	tags, taggable := in[member].(map[string]any)
	if taggable {
		tags = maps.Clone(tags)
		key, value := pr.Tag()
		tags[key] = value
		if c.Left != "" {
			tags[TagDistribution] = NotDistributed
		}
		in[member] = tags
	}
	if c.Left != "" {
		c.Reason += "; " + c.Left
	}
	c.Args = in
}

// leave leaves a change to the merge.
func (d *differ) leave(c *Change, why string) {
	c.Verb, c.Op, c.Args, c.Reason = Later, "", nil, "not in a pull request: "+why
}

// unmade is the first thing the input refers to that is left to the merge and not there.
func (d *differ) unmade(in Object) (dsl.Addr, bool) {
	var found []dsl.Addr
	in.Refs(func(_ string, r dsl.Ref) {
		if have := d.seen[r.Addr]; d.verbs[r.Addr] == Later && (have == nil || !have.Exists) {
			found = append(found, r.Addr)
		}
	})
	if len(found) == 0 {
		return dsl.Addr{}, false
	}
	return slices.MinFunc(found, compareAddr), true
}

// keep decides how long what is there already stays.
func (d *differ) keep(c *Change) {
	have := c.Observed
	if have == nil || !have.Exists || c.Verb == Create || c.Verb == Later {
		return
	}
	retag, says := Keep(have.Tags, d.opts.PullRequest)
	if retag == nil {
		return
	}
	c.Retag = c.Retag.and(retag)
	c.Reason += "; " + says
	if c.Verb == None {
		c.Verb = Update
	}
}

// Keep is what changes in the tags of a resource that a run uses, and in words why; nil for nothing. A
// pull request asks for what another one made to be kept for it too. Any other run, for which pr is
// nil, keeps what pull requests made for good.
func Keep(tags map[string]string, pr *PullRequest) (r *Retag, says string) {
	if !Passing(tags) {
		return nil, ""
	}
	others := PullRequestTags(tags)
	if pr != nil {
		key, value := pr.Tag()
		if _, own := tags[key]; own {
			return nil, ""
		}
		r, says = &Retag{Add: map[string]string{key: value}}, "kept for this pull request too"
	} else {
		r, says = &Retag{Remove: slices.Clone(others)}, "kept from now on"
		if _, expires := tags[TagExpires]; expires {
			r.Remove = append(r.Remove, TagExpires)
			slices.Sort(r.Remove)
		}
	}
	if len(others) > 0 {
		says += ", made by pull request " + tagText(tags[others[0]])
	}
	return r, says
}

// undistributed reports whether a pull request built the image, and so distributed it nowhere,
// although the configuration has it distributed.
func undistributed(c *Change) bool {
	if c.Observed == nil || !c.Observed.Undone() || c.Kind.Confine == nil {
		return false
	}
	_, left := c.Kind.Confine(c.Node)
	return left != ""
}
