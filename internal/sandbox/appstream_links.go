package sandbox

import "strings"

// Kinds of associations. An association is a resource with no ARN that anyone sees, whose Needs are its ends.
const (
	kindFleetStack       = "fleet-stack"
	kindApplicationFleet = "application-fleet"
	kindBuilderAppBlock  = "app-block-builder-app-block"
	kindEntitled         = "entitled-application"
	kindUserStack        = "user-stack"
)

// linkName is the name of an association by the members of the call that are its ends.
func linkName(c *call, ends []string) string {
	parts := make([]string, len(ends))
	for i, e := range ends {
		parts[i] = text(c.in, e)
	}
	return strings.Join(parts, "\x00")
}

// link associates what the members of the call name. Doing it twice is doing it once.
func (a *appStream) link(c *call, kind string, ends ...string) *streamResource {
	name := linkName(c, ends)
	if r := a.get(c, kind, name); r != nil {
		return r
	}
	r := &streamResource{Kind: kind, Name: name, Needs: map[string]string{}}
	body := object{}
	for _, e := range ends {
		r.Needs[e] = text(c.in, e)
		body[e] = c.in[e]
	}
	a.add(c, r)
	r.Body = body
	a.save(r)
	return r
}

// unlink ends an association; false where there is none.
func (a *appStream) unlink(c *call, kind string, ends ...string) bool {
	r := a.get(c, kind, linkName(c, ends))
	if r != nil {
		a.remove(r)
	}
	return r != nil
}

// links are the associations one end of which has that value; "" is any.
func (a *appStream) links(c *call, kind, end, value string) []*streamResource {
	var out []*streamResource
	for _, r := range a.all(c.region, c.account, kind) {
		if value == "" || r.Needs[end] == value {
			out = append(out, r)
		}
	}
	return out
}
