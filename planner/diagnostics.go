package planner

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// A Cause is the Extra of a diagnostic that names what is behind it, where that shows in many places
// and is mended in one. Of all diagnostics of one cause only the first is given, with the number of
// places.
type Cause string

// settle puts diagnostics in order, once each, and once for each cause.
func settle(diags hcl.Diagnostics) hcl.Diagnostics {
	diags = distinctDiags(diags)
	sortDiags(diags)
	first := map[Cause]*hcl.Diagnostic{}
	others := map[Cause]int{}
	diags = slices.DeleteFunc(diags, func(d *hcl.Diagnostic) bool {
		cause, ok := d.Extra.(Cause)
		if !ok {
			return false
		}
		if first[cause] == nil {
			first[cause] = d
			return false
		}
		others[cause]++
		return true
	})
	for cause, n := range others {
		places := "1 more place"
		if n > 1 {
			places = fmt.Sprintf("%d more places", n)
		}
		first[cause].Detail += " The same shows in " + places + "."
	}
	return diags
}

// distinctDiags drops repetitions: what a build says once goes to many resources, and is wrong once.
func distinctDiags(diags hcl.Diagnostics) hcl.Diagnostics {
	type identity struct {
		summary, detail string
		at              hcl.Range
	}
	seen := make(map[identity]bool, len(diags))
	return slices.DeleteFunc(diags, func(d *hcl.Diagnostic) bool {
		id := identity{summary: d.Summary, detail: d.Detail}
		if d.Subject != nil {
			id.at = *d.Subject
		}
		again := seen[id]
		seen[id] = true
		return again
	})
}

// sortDiags puts diagnostics in the order of the text they are about.
func sortDiags(diags hcl.Diagnostics) {
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		switch {
		case a.Subject == nil || b.Subject == nil:
			return 0
		default:
			return cmp.Or(compareRange(*a.Subject, *b.Subject), cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
		}
	})
}
