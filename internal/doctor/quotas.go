package doctor

import (
	"context"
	"maps"
	"strings"

	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// A quota is a bound of AWS's that a configuration can run into.
type quota struct {
	name string
	// service and code are those of Service Quotas; without a code it is looked for by its title.
	service, code, title string
	// ops are the creates that count.
	ops []planner.Op
	// list and items are where what is there already is counted; "" where it need not be.
	list  planner.Op
	in    object
	items string
	// waits says that what is too many waits, and fails otherwise.
	waits bool
}

// bounds are the quotas that are looked at (Image Builder and AppStream, "Endpoints and quotas").
var bounds = []quota{ //nolint:gochecknoglobals // a table, never written
	{name: "builds at once", service: "imagebuilder", title: "Concurrent builds", ops: []planner.Op{"imagebuilder:CreateImage"}, waits: true},
	{
		name: "AppStream images", service: "appstream2", code: "L-E1182CCA", ops: []planner.Op{"appstream:CreateImportedImage", "appstream:CreateImageBuilder", "appstream:CreateUpdatedImage"},
		list: "appstream:DescribeImages", in: object{"Type": "PRIVATE"}, items: "Images",
	},
	{
		name: "AppStream image builders", service: "appstream2", code: "L-DE32F884", ops: []planner.Op{"appstream:CreateImageBuilder"},
		list: "appstream:DescribeImageBuilders", items: "ImageBuilders",
	},
	{name: "AppStream fleets", service: "appstream2", code: "L-3FEADC0C", ops: []planner.Op{"appstream:CreateFleet"}, list: "appstream:DescribeFleets", items: "Fleets"},
	{name: "AppStream stacks", service: "appstream2", code: "L-A8B8B901", ops: []planner.Op{"appstream:CreateStack"}, list: "appstream:DescribeStacks", items: "Stacks"},
}

// quotas compares what the configuration makes with what the account may have.
func quotas(ctx context.Context, e *exam) []report.Check {
	var out []report.Check
	for _, q := range bounds {
		wanted := 0
		for _, n := range e.Graph.Nodes {
			for _, op := range q.ops {
				if n.Kind.Create == op {
					wanted++
				}
			}
		}
		if wanted > 0 && e.AWS != nil {
			out = append(out, e.quota(ctx, q, wanted))
		}
	}
	return out
}

func (e *exam) quota(ctx context.Context, q quota, wanted int) report.Check {
	name := "quota of " + q.name
	limit, known, err := e.limit(ctx, q)
	if err != nil {
		return unanswered(name, "servicequotas:GetServiceQuota", err)
	}
	if !known {
		return unknown(name, "", "Service Quotas does not know it in %s.", e.Place.Region)
	}
	used := 0
	if q.list != "" {
		if used, err = e.count(ctx, q); err != nil {
			return unanswered(name, q.list, err)
		}
	}
	switch {
	case q.waits && wanted <= limit:
		return passed(name, "At most %d are made, and %d may be under way at once.", wanted, limit)
	case used+wanted <= limit:
		return passed(name, "%d of %d are there, and at most %d are made.", used, limit, wanted)
	case q.waits:
		return warning(name, "Build fewer at once with --parallel, or ask for more in Service Quotas.", "At most %d are made, and %d may be under way at once.", wanted, limit)
	default:
		return warning(name, "Delete what is no longer needed, or ask for more in Service Quotas. What is there already may be among what is made.", "%d of %d are there, and at most %d are made.", used, limit, wanted)
	}
}

// count is how many there are already, over all pages of the list.
func (e *exam) count(ctx context.Context, q quota) (int, error) {
	in := object{}
	maps.Copy(in, q.in)
	n := 0
	for {
		out, err := e.call(ctx, q.list, e.Place.Region, in)
		if err != nil {
			return 0, err
		}
		n += len(list(out, q.items))
		next := text(out, "NextToken")
		if next == "" {
			return n, nil
		}
		in["NextToken"] = next
	}
}

// limit is the account's own value of a quota.
func (e *exam) limit(ctx context.Context, q quota) (value int, known bool, err error) {
	if q.code != "" {
		out, err := e.call(ctx, "servicequotas:GetServiceQuota", e.Place.Region, object{"ServiceCode": q.service, "QuotaCode": q.code})
		v, ok := sub(out, "Quota")["Value"].(float64)
		return int(v), ok, err
	}
	in := object{"ServiceCode": q.service}
	for {
		out, err := e.call(ctx, "servicequotas:ListServiceQuotas", e.Place.Region, in)
		if err != nil {
			return 0, false, err
		}
		for _, found := range list(out, "Quotas") {
			if v, ok := found["Value"].(float64); ok && strings.EqualFold(text(found, "QuotaName"), q.title) {
				return int(v), true, nil
			}
		}
		if in["NextToken"] = text(out, "NextToken"); in["NextToken"] == "" {
			return 0, false, nil
		}
	}
}
