package sandbox

import (
	"net/http"
	"strings"
)

// quotaCodes are the quotas that Service Quotas is asked for, by service and code, with AWS's default values
// (AppStream Administration Guide and Image Builder, "Quotas"). Image Builder's codes are published nowhere: these
// are the sandbox's own, and clients find the quota by its name.
var quotaCodes = map[string]struct { //nolint:gochecknoglobals // a table, never written
	name  string
	value float64
}{
	"imagebuilder/L-SANDBOX1": {"Concurrent builds", 100},
	"imagebuilder/L-SANDBOX2": {"Image pipelines", 75},

	"appstream2/L-E1182CCA": {"Images", 10},
	"appstream2/L-DE32F884": {"Image builders", 10},
	"appstream2/L-3FEADC0C": {"Fleets", 10},
	"appstream2/L-A8B8B901": {"Stacks", 10},
	"appstream2/L-99A44980": {"Image sharing accounts per image", 100},
	"appstream2/L-9B6418E0": {"Concurrent image updates", 5},
	"appstream2/L-60244546": {"Concurrent image copies per destination Region", 2},
}

// serveQuotas answers Service Quotas: one quota at a time, none of them ever changed.
func (s *Server) serveQuotas(w http.ResponseWriter, r *http.Request, c *call, authErr error) {
	c.name = targetOperation(r)
	err := authErr
	if err == nil {
		err = s.fault("servicequotas:" + c.name)
	}
	if err == nil {
		c.in, err = readJSON(r)
	}
	var out object
	if err == nil {
		out, err = askedQuota(c)
	}
	if err != nil {
		writeError(w, awsJSON, "servicequotas", err)
		return
	}
	writeJSON(w, awsJSON, nil, out)
}

func askedQuota(c *call) (object, error) {
	service, code := text(c.in, "ServiceCode"), text(c.in, "QuotaCode")
	var all []any
	for _, key := range sortedKeys(quotaCodes) {
		of, id, _ := strings.Cut(key, "/")
		q := quotaCodes[key]
		if of == service && (code == "" || code == id) {
			all = append(all, object{"ServiceCode": of, "QuotaCode": id, "QuotaName": q.name, "Value": q.value, "Adjustable": true})
		}
	}
	switch {
	case c.name == "ListServiceQuotas" && len(all) > 0:
		sub := *c
		sub.in = with(c.in, object{"limit": number(100, c.in, "MaxResults")})
		out, err := window(&sub, "Quotas", "NextToken", all, 100)
		if err != nil {
			return nil, fail("InvalidPaginationTokenException", "The pagination token is not valid here.")
		}
		return out, nil
	case c.name == "GetServiceQuota" && len(all) > 0 && code != "":
		return object{"Quota": all[0]}, nil
	case c.name == "ListServiceQuotas" || c.name == "GetServiceQuota":
		return nil, fail("NoSuchResourceException", "The request failed because the specified quota does not exist.")
	}
	return nil, fail("UnknownOperationException", "The sandbox does not do this: %s.", c.name)
}
