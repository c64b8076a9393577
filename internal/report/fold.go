package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// shownPlaces is how many places of a finding that many blocks share are named.
const shownPlaces = 3

// A fold is findings that say the same of several blocks. They are shown once, at the first of them.
type fold struct {
	members []int // indexes, ascending
}

func (f fold) first() int { return f.members[0] }

// folds groups n findings by their keys, in the order of the first of each.
func folds(n int, key func(i int) string) []fold {
	var out []fold
	at := make(map[string]int, n)
	for i := range n {
		k := key(i)
		j, seen := at[k]
		if !seen {
			j = len(out)
			at[k], out = j, append(out, fold{})
		}
		out[j].members = append(out[j].members, i)
	}
	return out
}

// unfolded has every finding stand for itself.
func unfolded(n int) []fold {
	out := make([]fold, n)
	for i := range out {
		out[i] = fold{members: []int{i}}
	}
	return out
}

// Where a finding holds besides: places of a configuration, or resources.
const (
	alsoAt  = "Also at"
	alsoFor = "The same for"
)

// also says where else a folded finding holds: "Also at a.hcl:9, a.hcl:14 and 997 more." Place says what
// a member is called in a sentence, "" where it has no place; the result is "" for a finding that stands alone.
func (f fold) also(how string, place func(i int) string) string {
	if len(f.members) == 1 {
		return ""
	}
	here := place(f.first())
	var named []string
	unnamed := 0
	for _, i := range f.members[1:] {
		p := place(i)
		switch {
		case p == "" || p == here:
			unnamed++
		case slices.Contains(named, p):
			unnamed++
		case len(named) < shownPlaces-1:
			named = append(named, p)
		default:
			unnamed++
		}
	}
	switch {
	case len(named) == 0:
		return fmt.Sprintf("The same %s here.", count(len(f.members), "time"))
	case unnamed > 0:
		return fmt.Sprintf("%s %s and %d more.", how, strings.Join(named, ", "), unnamed)
	}
	return how + " " + strings.Join(named, " and ") + "."
}

// instances are the keys of a block that repeats, behind its name.
var instances = regexp.MustCompile(`\x00\[("(?:[^"\\]|\\.)*"|\d+)\]`)

// sameness is a text without the names of what it is about: texts that differ in nothing else are the same finding.
func sameness(text string, names ...string) string {
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	for _, n := range slices.Compact(names) {
		if n != "" {
			text = withoutName(text, n)
		}
	}
	if strings.Contains(text, "\x00[") {
		text = instances.ReplaceAllString(text, "\x00")
	}
	return identities.ReplaceAllStringFunc(text, identity)
}

// identities are what AWS calls one resource or request, which its messages quote: ARNs, ids and UUIDs.
var identities = regexp.MustCompile(`\barn:aws[a-z-]*:[^\s"'` + "`" + `,;()<>]+|\b[a-z]{1,8}-[0-9a-f]{8,17}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`)

// identity is what stands for an identity where messages are compared: of an ARN the service and the kind of resource
// remain, since the same words about another kind are another finding.
func identity(id string) string {
	if parts := strings.SplitN(id, ":", 6); len(parts) == 6 {
		kind, _, _ := strings.Cut(parts[5], "/")
		if kind == parts[5] {
			kind, _, _ = strings.Cut(kind, ":")
		}
		if kind == parts[5] {
			kind = ""
		}
		return "arn " + parts[2] + " " + kind
	}
	kind, _, _ := strings.Cut(id, "-")
	if len(kind) == 8 && strings.Count(id, "-") == 4 {
		return "uuid"
	}
	return kind
}

// withoutName replaces a name wherever it is a word of its own.
func withoutName(text, name string) string {
	if !strings.Contains(text, name) {
		return text
	}
	var b strings.Builder
	for i := 0; ; {
		j := strings.Index(text[i:], name)
		if j < 0 {
			b.WriteString(text[i:])
			return b.String()
		}
		j += i
		end := j + len(name)
		b.WriteString(text[i:j])
		if (j == 0 || !wordByte(text[j-1])) && (end == len(text) || !wordByte(text[end])) {
			b.WriteByte(0)
		} else {
			b.WriteString(name)
		}
		i = end
	}
}

func wordByte(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// A culprit is the Extra of a diagnostic about a resource of a run.
type culprit struct {
	address string   // said in place of a line
	names   []string // what its text calls it
}

// diagnosticFolds groups diagnostics that say the same of several blocks.
func diagnosticFolds(s *sources, diags hcl.Diagnostics) []fold {
	return folds(len(diags), func(i int) string {
		d := diags[i]
		_, name := s.block(d.Subject)
		names := []string{name}
		if about, ok := d.Extra.(culprit); ok {
			names = append(names, about.names...)
		}
		return fmt.Sprintf("%d\x01%s\x01%s", d.Severity, d.Summary, sameness(d.Detail, names...))
	})
}

// findingFolds groups findings that say the same of several blocks.
func (d *Document) findingFolds() []fold {
	return folds(len(d.Findings), func(i int) string {
		f := &d.Findings[i]
		return string(f.Severity) + "\x01" + f.Summary + "\x01" + sameness(f.Detail, f.Block)
	})
}

// findingPlace is where a finding is, as a sentence names it.
func (d *Document) findingPlace(i int) string { return placeText(d.Findings[i].Place) }

// resourceName is what a sentence calls a resource.
func (d *Document) resourceName(i int) string { return Neutral(d.Resources[i].Address) }

// failureFolds groups the resources that failed, by index, when they failed in the same way.
func (d *Document) failureFolds() []fold {
	var failed []int
	for i := range d.Resources {
		if d.Resources[i].Failure != nil {
			failed = append(failed, i)
		}
	}
	out := folds(len(failed), func(i int) string { return d.Resources[failed[i]].failureKey() })
	for _, f := range out {
		for j, i := range f.members {
			f.members[j] = failed[i]
		}
	}
	return out
}

func (r *Resource) failureKey() string {
	f := r.Failure
	return f.Summary + "\x01" + sameness(f.text(r.Address), namesOf(r.Address, r.Title, r.Version, f.RequestID)...)
}

// namesOf are the names that a failure's text may call a resource by.
func namesOf(address string, others ...string) []string {
	name := address
	if _, after, ok := strings.Cut(address, "."); ok {
		name = after
		if i := strings.IndexByte(name, '['); i >= 0 {
			name = name[:i]
		}
	}
	return append(others, address, name, name[strings.LastIndexByte(name, '.')+1:])
}
