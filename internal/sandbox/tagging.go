package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// serveTagging answers the Resource Groups Tagging API, which looks at tags across kinds. Its one call
// here is GetResources.
func (s *Server) serveTagging(w http.ResponseWriter, r *http.Request, c *call, authErr error) {
	c.name = targetOperation(r)
	err := authErr
	if err == nil {
		err = s.fault("tagging:" + c.name)
	}
	if err == nil {
		c.in, err = readJSON(r)
	}
	var out object
	if err == nil && c.name != "GetResources" {
		err = fail("UnknownOperationException", "The sandbox does not do this: %s.", c.name)
	}
	if err == nil {
		out, err = s.transact(c, s.getResources)
	}
	if err != nil {
		writeError(w, awsJSON, "tagging", err)
		return
	}
	writeJSON(w, awsJSON, nil, out)
}

// getResources lists what has tags, by ARN: the conjunction of the filters, each with alternatives.
func (s *Server) getResources(c *call) (object, error) {
	types := texts(c.in, "ResourceTypeFilters")
	for _, t := range types {
		if service, _, _ := strings.Cut(t, ":"); service != "imagebuilder" && service != "appstream" {
			return nil, fail("InvalidParameterException", "The sandbox does not do this: resources of the type %s.", t)
		}
	}
	for _, member := range []string{"TagsPerPage", "IncludeComplianceDetails", "ExcludeCompliantResources"} {
		if c.in[member] != nil {
			return nil, fail("InvalidParameterException", "The sandbox does not do this: %s of GetResources.", member)
		}
	}
	if len(list(c.in, "ResourceARNList")) > 0 && (len(types) > 0 || len(list(c.in, "TagFilters")) > 0) {
		return nil, fail("InvalidParameterException", "ResourceARNList cannot be used together with ResourceTypeFilters or TagFilters.")
	}
	size := number(100, c.in, "ResourcesPerPage")
	if size < 1 || size > 100 {
		return nil, fail("InvalidParameterException", "ResourcesPerPage must be between 1 and 100.")
	}
	found := []any{}
	for _, arn := range slices.Sorted(maps.Keys(s.db.resources.rows)) {
		res := s.db.resources.get(arn)
		tags, _ := at(res.Body, "tags").(object)
		if only := texts(c.in, "ResourceARNList"); len(only) > 0 && !slices.Contains(only, arn) {
			continue
		}
		if res.ref.region != c.region || res.ref.owner != c.account || len(tags) == 0 || !ofType(res, types) || !hasTags(tags, list(c.in, "TagFilters")) {
			continue
		}
		var pairs []any
		for _, k := range sortedKeys(tags) {
			pairs = append(pairs, object{"Key": k, "Value": tags[k]})
		}
		found = append(found, object{"ResourceARN": arn, "Tags": pairs})
	}
	found = append(found, s.streamTags(c, types)...)
	sub := *c
	sub.in = with(c.in, object{"limit": size})
	out, err := window(&sub, "ResourceTagMappingList", "PaginationToken", found, int(size))
	if err != nil {
		return nil, fail("PaginationTokenExpiredException", "The pagination token is not valid here.")
	}
	if out["PaginationToken"] == nil {
		out["PaginationToken"] = "" // as AWS says that there is no more
	}
	return out, nil
}

// streamTags are the same of AppStream's resources.
func (s *Server) streamTags(c *call, types []string) []any {
	var found []any
	for _, key := range sortedKeys(s.db.stream.rows) {
		r := s.db.stream.get(key)
		arn := r.arn()
		tags := object{}
		var pairs []any
		for _, k := range sortedKeys(r.Tags) {
			tags[k] = r.Tags[k]
			pairs = append(pairs, object{"Key": k, "Value": r.Tags[k]})
		}
		wanted := len(types) == 0 || slices.Contains(types, "appstream") || slices.Contains(types, "appstream:"+r.Kind)
		if only := texts(c.in, "ResourceARNList"); len(only) > 0 && !slices.Contains(only, arn) {
			continue
		}
		if arn != "" && wanted && r.Region == c.region && r.Account == c.account && len(pairs) > 0 && hasTags(tags, list(c.in, "TagFilters")) {
			found = append(found, object{"ResourceARN": arn, "Tags": pairs})
		}
	}
	return found
}

// ofType is whether a resource is of one of the types, "service" or "service:kind"; none is any.
func ofType(r *resource, types []string) bool {
	return len(types) == 0 || slices.Contains(types, "imagebuilder") || slices.Contains(types, "imagebuilder:"+r.ref.kind)
}

func hasTags(tags object, filters []any) bool {
	for _, f := range filters {
		value, ok := tags[text(f, "Key")]
		values := texts(f, "Values")
		if s, _ := value.(string); !ok || len(values) > 0 && !slices.Contains(values, s) {
			return false
		}
	}
	return true
}
