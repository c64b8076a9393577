package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// own are the parameters of a region that were put there, by name; AWS's public ones are not described.
func (s *parameterStore) own(c *call, public bool) []*parameter {
	var out []*parameter
	for _, p := range s.db.parameters.rows {
		aws := strings.HasPrefix(p.Name, "/aws/")
		if p.Region == c.region && (aws && public || !aws && p.Account == s.db.foreign(c.account)) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *parameter) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (s *parameterStore) getByPath(c *call) (object, error) {
	path := text(c.in, "Path")
	if !strings.HasPrefix(path, "/") {
		return nil, ssmInvalid("The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\".")
	}
	match, err := ssmFilter(c, "Type", "KeyId", "Label")
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, p := range s.own(c, true) {
		if !below(p.Name, path, flag(false, c.in, "Recursive")) {
			continue
		}
		for _, v := range slices.Backward(p.versions()) { // with a label as the filter, the version that has it
			if match(&v) {
				out = append(out, s.show(c, &v))
				break
			}
			if !labelled(c) {
				break
			}
		}
	}
	return ssmPage(c, "Parameters", out, 10)
}

func labelled(c *call) bool {
	return slices.ContainsFunc(list(c.in, "ParameterFilters"), func(f any) bool { return text(f, "Key") == "Label" })
}

// below is whether a name lies in a hierarchy.
func below(name, path string, deep bool) bool {
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(path, "/")+"/")
	return ok && rest != "" && (deep || !strings.Contains(rest, "/"))
}

func (s *parameterStore) describe(c *call) (object, error) {
	match, err := ssmFilter(c, "Name", "Type", "KeyId", "Path", "Tier", "DataType", "Label", "tag:")
	if err != nil {
		return nil, err
	}
	entries := []any{}
	for _, p := range s.own(c, false) {
		if match(p) && !flag(false, c.in, "Shared") { // nobody shares parameters with this account
			entries = append(entries, with(with(without(s.show(c, p), "Value"), p.facts()), nil))
		}
	}
	return ssmPage(c, "Parameters", entries, 50)
}

// ssmFilter is the conjunction of a call's filters: ParameterFilters, or Filters of the older form, which match the
// beginnings of values.
func ssmFilter(c *call, known ...string) (func(*parameter) bool, error) {
	var all []func(*parameter) bool
	seen := map[string]bool{}
	for _, f := range list(c.in, "ParameterFilters") {
		key, option := text(f, "Key"), cmp.Or(text(f, "Option"), map[bool]string{true: "OneLevel", false: "Equals"}[text(f, "Key") == "Path"])
		kind, _, tag := strings.Cut(key, ":")
		if tag {
			kind += ":"
		}
		switch {
		case !slices.Contains(known, kind):
			return nil, fail("InvalidFilterKey", "The following filter key is not valid: %s. Valid filter keys include: [%s].", key, strings.Join(known, ", "))
		case seen[key]:
			return nil, fail("InvalidFilterKey", "The following filter is duplicated in the request: %s. A request can contain only one instance of a specific filter.", key)
		case !slices.Contains(ssmOptions(kind), option):
			return nil, fail("InvalidFilterOption", "The following filter option is not valid: %s. Valid options include: [%s].", option, strings.Join(ssmOptions(kind), ", "))
		case len(texts(f, "Values")) == 0 && !tag:
			return nil, fail("InvalidFilterValue", "The following filter values are missing for filter key %s.", key)
		}
		seen[key] = true
		all = append(all, func(p *parameter) bool { return ssmMatches(p, key, option, texts(f, "Values")) })
	}
	for _, f := range list(c.in, "Filters") {
		if !slices.Contains([]string{"Name", "Type", "KeyId"}, text(f, "Key")) {
			return nil, fail("InvalidFilterKey", "The following filter key is not valid: %s.", text(f, "Key"))
		}
		all = append(all, func(p *parameter) bool { return ssmMatches(p, text(f, "Key"), "BeginsWith", texts(f, "Values")) })
	}
	return func(p *parameter) bool {
		return !slices.ContainsFunc(all, func(m func(*parameter) bool) bool { return !m(p) })
	}, nil
}

func ssmOptions(kind string) []string {
	switch kind {
	case "Path":
		return []string{"OneLevel", "Recursive"}
	case "Name":
		return []string{"Equals", "BeginsWith", "Contains"}
	case "KeyId":
		return []string{"Equals", "BeginsWith"}
	}
	return []string{"Equals"}
}

func ssmMatches(p *parameter, key, option string, values []string) bool {
	var have []string
	switch key {
	case "Name":
		have = []string{p.Name}
	case "Type":
		have = []string{p.Type}
	case "KeyId":
		have = []string{p.KeyID}
	case "Tier":
		have = []string{p.tier()}
	case "DataType":
		have = []string{p.DataType}
	case "Label":
		have = p.Labels
	case "Path":
		return slices.ContainsFunc(values, func(v string) bool { return below(p.Name, v, option == "Recursive") })
	default:
		v, ok := p.Tags[strings.TrimPrefix(key, "tag:")]
		if len(values) == 0 || !ok {
			return ok
		}
		have = []string{v}
	}
	return slices.ContainsFunc(have, func(h string) bool {
		return slices.ContainsFunc(values, func(v string) bool {
			switch option {
			case "BeginsWith":
				return strings.HasPrefix(h, v)
			case "Contains":
				return strings.Contains(h, v)
			}
			return h == v
		})
	})
}

// pairs reads a list of Key and Value.
func pairs(tags []any) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, t := range tags {
		out[text(t, "Key")] = text(t, "Value")
	}
	return out
}

// tagged finds the parameter of a call on tags.
func (s *parameterStore) tagged(c *call) (*parameter, error) {
	if typ := text(c.in, "ResourceType"); typ != "Parameter" {
		return nil, fail("InvalidResourceType", "The sandbox does not do this: tags of the resource type %s.", typ)
	}
	p := s.named(c, text(c.in, "ResourceId"))
	if p == nil || strings.HasPrefix(p.Name, "/aws/") {
		return nil, fail("InvalidResourceId", "")
	}
	return p, nil
}

// retag stores other tags of the parameter of a call.
func (s *parameterStore) retag(c *call, change func(tags map[string]string)) (object, error) {
	p, err := s.tagged(c)
	if err != nil {
		return nil, err
	}
	next := *p
	next.Tags = map[string]string{}
	maps.Copy(next.Tags, p.Tags)
	change(next.Tags)
	if len(next.Tags) > maxTags {
		return nil, fail("TooManyTagsError", "")
	}
	s.db.parameters.put(p.key(), &next)
	return object{}, nil
}

func (s *parameterStore) addTags(c *call) (object, error) {
	return s.retag(c, func(tags map[string]string) {
		maps.Copy(tags, pairs(list(c.in, "Tags")))
	})
}

func (s *parameterStore) removeTags(c *call) (object, error) {
	return s.retag(c, func(tags map[string]string) {
		for _, k := range texts(c.in, "TagKeys") {
			delete(tags, k)
		}
	})
}

func (s *parameterStore) listTags(c *call) (object, error) {
	p, err := s.tagged(c)
	if err != nil {
		return nil, err
	}
	tags := []any{}
	for _, k := range sortedKeys(p.Tags) {
		tags = append(tags, object{"Key": k, "Value": p.Tags[k]})
	}
	return object{"TagList": tags}, nil
}
