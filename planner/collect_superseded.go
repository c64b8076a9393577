package planner

import (
	"slices"
	"strconv"
	"strings"
)

// superseded reports whether DistributeImage made another build of an image that stands in for it: its AMI of the region that
// images are built in too, or what refers to the image would lose that.
func (s *Stock) superseded(h *Held) bool { return s.successor(h) != nil }

// successor is the build that stands in for one; nil for none.
func (s *Stock) successor(h *Held) *Held {
	if !h.isImage() || h.State != "AVAILABLE" {
		return nil
	}
	known := map[string]bool{h.ARN: true}
	for range s.Held { // a distribution of a distribution
		next := slices.IndexFunc(s.Held, func(o *Held) bool {
			return o.isImage() && o.State == "AVAILABLE" && !known[o.ARN] && known[o.Tags[TagSource]] && o.version() == h.version()
		})
		if next < 0 {
			return nil
		}
		if o := s.Held[next]; !h.hasAMI(s.Region) || o.hasAMI(s.Region) {
			return o
		}
		known[s.Held[next].ARN] = true
	}
	return nil
}

// version is an image's ARN without the number of the build.
func (h *Held) version() string { return h.ARN[:strings.LastIndexByte(h.ARN, '/')] }

// number is the number of an image's build.
func (h *Held) number() int {
	n, err := strconv.Atoi(h.ARN[strings.LastIndexByte(h.ARN, '/')+1:])
	if err != nil {
		return 0
	}
	return n
}

func (h *Held) hasAMI(region string) bool {
	return slices.ContainsFunc(h.AMIs, func(a AMI) bool { return a.Region == region })
}

// dropped are the AMIs of an image that stays in regions that its distribution no longer has. Where the tag names no distribution
// that is known, nothing is: a pull request left it to its merge, or the image is older than the tag.
func (c *collector) dropped(h *Held) []AMI {
	if !c.opts.Retention() || !h.isImage() || h.State != "AVAILABLE" || !c.opts.Selects(h) || !c.current(h) {
		return nil
	}
	by := h.Tags[TagDistribution]
	regions, known := c.stock.Distributions[by]
	if !known && by != Undistributed {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(h.AMIs), func(a AMI) bool {
		return a.Region == c.stock.Region || slices.Contains(regions, a.Region)
	})
}

// current reports whether a build is the one that counts of its version, whose tag says how it is distributed.
func (c *collector) current(h *Held) bool {
	return !slices.ContainsFunc(c.stock.Held, func(o *Held) bool {
		return o.isImage() && o.State == "AVAILABLE" && o.version() == h.version() && o.number() > h.number()
	})
}

// copies are what becomes of the AMIs of an image that stays in regions that were dropped. One that anything points to that stays
// is left, with the reason; one that another record which stays has too isn't this one's to delete.
func (c *collector) copies(h *Held) (out []*Change) {
	for _, a := range c.dropped(h) {
		ch := c.deregister(h, a)
		ch.Reason = "copy of " + h.title() + " in " + a.Region + ", which its distribution no longer has; with its snapshots"
		if user := c.userOf(a.ID); user != "" {
			ch.Verb, ch.Op, ch.Args = None, "", nil
			ch.Reason = "stays: " + user + " uses it, though the distribution of " + h.title() + " no longer has " + a.Region
		}
		out = append(out, ch)
	}
	return out
}

// userOf names what points to an AMI and stays; "" for nothing.
func (c *collector) userOf(ami string) string {
	for _, u := range c.stock.Users {
		if slices.Contains(u.Uses, ami) {
			return u.Name
		}
	}
	taken := c.taken()
	for _, h := range c.stock.Held {
		if !taken[h] && slices.Contains(h.uses(), ami) {
			return h.title()
		}
	}
	return ""
}

// taken are those that are deleted.
func (c *collector) taken() map[*Held]bool {
	out := map[*Held]bool{}
	for _, h := range c.takes {
		if _, kept := c.kept[h]; !kept {
			out[h] = true
		}
	}
	return out
}
