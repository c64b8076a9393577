package dsl

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
)

// mistake is an error diagnostic of the usual form.
func mistake(at hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(format, args...), Subject: &at}
}

func warning(at hcl.Range, summary, format string, args ...any) *hcl.Diagnostic {
	d := mistake(at, summary, format, args...)
	d.Severity = hcl.DiagWarning
	return d
}

// didYouMean is ` Did you mean "x"?` for the nearest of the names, or "" when none is near.
func didYouMean(given string, names []string) string {
	best := nearest(given, names)
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" Did you mean %q?", best)
}

// nearest is the name that may have been meant, "" for none. In short names two letters make another
// word, unless they have only changed places.
func nearest(given string, names []string) string {
	best, bound := "", max(2, len(given)/3+1)-1
	limit := levenshtein.NewParams()
	for _, n := range names {
		distance := levenshtein.Distance(given, n, limit.MaxCost(max(2, bound)))
		if distance == 2 && letters(given) == letters(n) {
			distance = 1
		}
		if distance < bound || distance == bound && (best == "" || n < best) {
			best, bound = n, distance
		}
	}
	return best
}

// few is how many names a sentence may list.
const few = 8

// choices is didYouMean, or where no name is near the list of them, if it is short.
func choices(given string, names []string) string {
	hint := didYouMean(given, names)
	if hint != "" || len(names) == 0 || len(names) > few {
		return hint
	}
	names = slices.Sorted(slices.Values(names))
	return " There " + plural(len(names), "is only", "are") + " " + strings.Replace(listed(names), " or ", " and ", 1) + "."
}

func letters(s string) string {
	r := []rune(s)
	slices.Sort(r)
	return string(r)
}

// listed names the choices in a sentence: `"a", "b" or "c"`.
func listed(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	switch len(quoted) {
	case 0:
		return "none"
	case 1:
		return quoted[0]
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}

// place is a range as a sentence names it.
func place(r hcl.Range) string {
	return fmt.Sprintf("%s:%d,%d", r.Filename, r.Start.Line, r.Start.Column)
}

// tidy sorts diagnostics by place and drops repetitions: an expression that is evaluated once for
// each instance, or once early and once more with its block, is wrong once.
func tidy(diags hcl.Diagnostics) hcl.Diagnostics {
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		if a.Subject == nil || b.Subject == nil {
			return cmp.Compare(btoi(a.Subject == nil), btoi(b.Subject == nil))
		}
		return cmp.Or(
			cmp.Compare(a.Subject.Filename, b.Subject.Filename),
			cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte),
		)
	})
	type identity struct {
		summary, detail string
		subject         hcl.Range
	}
	seen := map[identity]bool{}
	return slices.DeleteFunc(diags, func(d *hcl.Diagnostic) bool {
		id := identity{summary: d.Summary, detail: d.Detail}
		if d.Subject != nil {
			id.subject = *d.Subject
		}
		if seen[id] {
			return true
		}
		seen[id] = true
		return false
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
