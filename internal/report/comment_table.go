package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// shown are the resources that the table has rows for: images, those that failed first, then what else
// failed and what is changed in place, deleted or left to a merge. Where there are none of these, whatever is to be done.
func (d *Document) shown() []*Resource {
	var images, some, others []*Resource
	for i := range d.Resources {
		r := &d.Resources[i]
		switch {
		case r.Image:
			images = append(images, r)
		case r.Status == executor.Failed || r.Verb == planner.Update || r.Verb == planner.Delete || r.Verb == planner.Later:
			some = append(some, r)
		case r.Verb != planner.None:
			others = append(others, r)
		}
	}
	if len(images)+len(some) == 0 {
		return others
	}
	slices.SortStableFunc(images, func(a, b *Resource) int {
		return boolInt(b.Status == executor.Failed) - boolInt(a.Status == executor.Failed)
	})
	return append(images, some...)
}

// table is what came of the images of all documents.
func (c *commentary) table() {
	several := len(c.docs) > 1
	rows := 0
	for _, d := range c.docs {
		for _, r := range d.shown() {
			if rows++; rows > c.level.rows {
				c.cutRows++
				continue
			}
			if rows == 1 {
				c.tableHead(several)
			}
			if several {
				c.printf("| %s ", c.code(cmp.Or(d.Leg, d.Path, d.Command)))
			}
			c.row(d, r)
		}
	}
	if rows > 0 {
		c.printf("\n")
	}
}

func (c *commentary) tableHead(several bool) {
	if several {
		c.printf("| Job | Image | Kind | Verb | Region | Reason | Duration | Id |\n|---|---|---|---|---|---|---|---|\n")
		return
	}
	c.printf("| Image | Kind | Verb | Region | Reason | Duration | Id |\n|---|---|---|---|---|---|---|\n")
}

func (c *commentary) row(d *Document, r *Resource) {
	regions, ids := c.where(r)
	took := ""
	if t := d.took(r); t > 0 {
		took = short(t)
	} else if r.EstimateSeconds > 0 && r.Status == "" && r.Verb != planner.None && r.Verb != planner.Later {
		took = "about&nbsp;" + short(seconds(r.EstimateSeconds))
	}
	c.printf("| %s | %s | %s&nbsp;%s | %s | %s | %s | %s |\n", link(c.code(r.short()), d.Source.blob(r.Origin)), c.text(strings.ReplaceAll(r.Kind, "_", " ")), markdownText(d.sign(r)), c.text(d.did(r)),
		regions, c.text(d.reason(r)), took, ids)
}

// where are the cells of a resource's regions and of its ids, line by line side by side.
func (c *commentary) where(r *Resource) (regions, ids string) {
	var at, what []string
	has := map[string]bool{}
	for _, id := range r.IDs {
		at, what = append(at, unbroken(c.text(id.Region))), append(what, c.code(id.ID))
		has[id.Region] = true
	}
	for _, region := range r.Regions {
		if !has[region] {
			at = append(at, unbroken(c.text(region)))
		}
	}
	if len(what) == 0 && r.ARN != "" {
		what = []string{c.code(arnTail(r.ARN))}
	}
	return strings.Join(at, "<br>"), strings.Join(what, "<br>")
}

// short is a resource's name where its kind stands beside it.
func (r *Resource) short() string {
	if r.Title != r.Address {
		return r.Title
	}
	return strings.TrimPrefix(r.Address, r.Kind+".")
}

// arnTail is what an ARN says besides where: image/web/1.4.5/1.
func arnTail(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[5]
	}
	return arn
}

// unbroken keeps a region's name on one line of a narrow cell.
func unbroken(s string) string { return strings.ReplaceAll(s, "-", "&#8209;") }

// sign is what became of a resource, or is to become of it, as one character.
func (d *Document) sign(r *Resource) string {
	if r.Verb == planner.Later {
		return "⏸️"
	}
	switch r.Status {
	case executor.Applied:
		return "✅"
	case executor.Failed:
		return "❌"
	case executor.Skipped:
		return "⏭️"
	case executor.Canceled:
		return "🛑"
	case executor.Unchanged:
		return "♻️"
	}
	switch {
	case d.Outcome == Running && !r.Started.IsZero():
		return "⏳"
	case d.ran():
		return "·"
	case r.Verb == planner.None:
		return "♻️"
	}
	return symbol(r.Verb)
}
