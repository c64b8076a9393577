package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// pageSize is AWS's default and largest page of every list of Image Builder.
const pageSize = 25

// A listing is one List call over resources.
type listing struct {
	operation string
	kind      string
	member    string   // of the output
	filters   []string // names that the call knows
	versions  bool     // one entry for each version instead of each build
	argument  string   // the member of the input that narrows the list to an ARN's builds
}

func listings() []listing {
	named := []string{"name"}
	components := []string{"description", "name", "platform", "supportedOsVersion", "type", "version"}
	images := []string{"name", "osVersion", "platform", "type", "version"}
	return []listing{
		{"ListComponents", "component", "componentVersionList", components, true, ""},
		{"ListComponentBuildVersions", "component", "componentSummaryList", nil, false, "componentVersionArn"},
		{"ListImageRecipes", "image-recipe", "imageRecipeSummaryList", []string{"name", "parentImage", "platform"}, false, ""},
		{"ListContainerRecipes", "container-recipe", "containerRecipeSummaryList", []string{"containerType", "name", "parentImage", "platform"}, false, ""},
		{"ListInfrastructureConfigurations", "infrastructure-configuration", "infrastructureConfigurationSummaryList", named, false, ""},
		{"ListDistributionConfigurations", "distribution-configuration", "distributionConfigurationSummaryList", named, false, ""},
		{"ListImagePipelines", "image-pipeline", "imagePipelineList", []string{
			"description", "distributionConfigurationArn", "imageRecipeArn", "infrastructureConfigurationArn", "name", "status",
		}, false, ""},
		{"ListImages", "image", "imageVersionList", images, true, ""},
		{"ListImageBuildVersions", "image", "imageSummaryList", images, false, "imageVersionArn"},
		{"ListImagePipelineImages", "image", "imageSummaryList", []string{"name", "version"}, false, "imagePipelineArn"},
		{"ListWorkflows", "workflow", "workflowVersionList", []string{"description", "name", "type", "version"}, true, ""},
		{"ListWorkflowBuildVersions", "workflow", "workflowSummaryList", nil, false, "workflowVersionArn"},
		{"ListLifecyclePolicies", "lifecycle-policy", "lifecyclePolicySummaryList", []string{
			"executionRole", "name", "resourceType", "status",
		}, false, ""},
	}
}

func (ib *imageBuilder) list(l listing) answer {
	return func(c *call) (object, error) {
		found, err := ib.candidates(c, l)
		if err != nil {
			return nil, err
		}
		match, err := filter(c, l)
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(r *resource) bool { return ib.hidden(c, r) || withdrawn(c, r) || !match(r) })
		if l.versions {
			found = latestOnly(found, flag(false, c.in, "byName"))
		}
		entries := make([]any, len(found))
		for i, r := range found {
			entries[i] = l.entry(r, c.now)
		}
		return page(c, l.member, entries)
	}
}

// candidates are what a list is about before filters.
func (ib *imageBuilder) candidates(c *call, l listing) ([]*resource, error) {
	arn := text(c.in, l.argument)
	if l.argument == "imagePipelineArn" {
		if p := ib.db.exact(arn); p == nil || p.ref.kind != "image-pipeline" {
			return nil, notFound(arn)
		}
		return slices.DeleteFunc(ib.db.all(c.region, c.account, "image"), func(r *resource) bool {
			return text(r.Body, "sourcePipelineArn") != arn
		}), nil
	}
	if arn != "" {
		f, _ := parseRef(arn)
		p, ok := parsePattern(f.version)
		if !ok || f.kind != l.kind {
			return nil, invalid(l.argument, "The value must be the ARN of a version.")
		}
		return slices.DeleteFunc(slices.Clone(ib.db.families[f.family()]), func(r *resource) bool { return !p.matches(r.Version) }), nil
	}
	switch text(c.in, "owner") {
	case "", "Self":
		return ib.db.all(c.region, c.account, l.kind), nil
	case "Amazon":
		return ib.db.all(c.region, "aws", l.kind), nil
	}
	if text(c.in, "owner") == "Shared" {
		return ib.sharedWith(c, l.kind), nil
	}
	return nil, nil // there are no third parties, and no marketplace
}

// withdrawn is whether r is a deprecated image, which ListImages shows only when asked to.
func withdrawn(c *call, r *resource) bool {
	return c.op.Name == "ListImages" && !flag(false, c.in, "includeDeprecated") && text(r.Body, "state", "status") == "DEPRECATED"
}

// hidden is whether r is too new to be listed.
func (ib *imageBuilder) hidden(c *call, r *resource) bool {
	return (r.ref.kind == "component" || r.ref.kind == "image") && !r.managed && c.now.Before(r.Created.Add(ib.opts.ListDelay))
}

// filter returns the conjunction of the call's filters. Values are compared with case.
func filter(c *call, l listing) (func(*resource) bool, error) {
	filters := list(c.in, "filters")
	for i, f := range filters {
		if !slices.Contains(l.filters, text(f, "name")) {
			return nil, invalid("filters["+itoa(i)+"].name", "The filter '%s' is not known here. Valid filters: %s.",
				text(f, "name"), strings.Join(l.filters, ", "))
		}
	}
	if flag(false, c.in, "byName") && slices.ContainsFunc(filters, func(f any) bool { return text(f, "name") == "version" }) {
		return nil, fail("InvalidParameterCombinationException", "The filter 'version' cannot be used together with byName, which lists each name once.")
	}
	return func(r *resource) bool {
		for _, f := range filters {
			have := filterValues(r, text(f, "name"))
			if !slices.ContainsFunc(texts(f, "values"), func(v string) bool { return slices.Contains(have, v) }) {
				return false
			}
		}
		return true
	}, nil
}

func filterValues(r *resource, name string) []string {
	switch name {
	case "supportedOsVersion":
		return texts(r.Body, "supportedOsVersions")
	case "version":
		return []string{r.Version.String()}
	}
	return []string{text(r.Body, name)}
}

// latestOnly keeps the newest build of each version, or with byName the newest of each name, in the
// place where the first of them stood.
func latestOnly(in []*resource, byName bool) []*resource {
	place := map[string]int{}
	var out []*resource
	for _, r := range in {
		key := r.ref.family()
		if !byName {
			key += "/" + r.Version.String()
		}
		i, ok := place[key]
		if !ok {
			place[key] = len(out)
			out = append(out, r)
		} else if olderFirst(out[i], r) < 0 {
			out[i] = r
		}
	}
	return out
}

// entry is what a list shows of r; the model's shape cuts it down further.
func (l listing) entry(r *resource, now time.Time) object {
	e := with(shownAt(r, now), nil)
	if e["owner"] == nil {
		e["owner"] = r.ref.owner
	}
	if l.versions {
		e["arn"] = r.ref.family() + "/" + r.Version.String()
		e["version"] = r.Version.String()
		e["status"] = at(r.Body, "state", "status")
	}
	if image := text(r.Body, "instanceConfiguration", "image"); image != "" {
		e["instanceImage"] = image
	}
	return e
}

// A cursor is what a page token holds: the question, so that it cannot be used for another one,
// and how many entries came before.
type cursor struct {
	Question string `json:"q"`
	Offset   int    `json:"o"`
}

// page cuts a list's next page out.
func page(c *call, member string, entries []any) (object, error) {
	question := c.name + canonical(without(c.in, "nextToken", "maxResults"))
	from := 0
	if tok := text(c.in, "nextToken"); tok != "" {
		var cur cursor
		raw, err := base64.RawURLEncoding.DecodeString(tok)
		if err == nil {
			err = json.Unmarshal(raw, &cur)
		}
		if err != nil || cur.Question != question || cur.Offset < 0 {
			return nil, fail("InvalidPaginationTokenException", "You have provided an invalid pagination token in your request.")
		}
		from = min(cur.Offset, len(entries))
	}
	to := min(from+int(number(pageSize, c.in, "maxResults")), len(entries))
	out := object{member: slices.Clone(entries[from:to])}
	if to < len(entries) {
		raw, err := json.Marshal(cursor{question, to})
		if err != nil {
			return nil, err
		}
		out["nextToken"] = base64.RawURLEncoding.EncodeToString(raw)
	}
	return out, nil
}

// sortedKeys are a map's keys in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
