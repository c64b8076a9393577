package sandbox

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxLabels is how many labels a version of a parameter may have.
const maxLabels = 10

// versions are all that are kept, the oldest first.
func (p *parameter) versions() []parameter {
	now := *p
	now.Older = nil
	return append(slices.Clone(p.Older), now)
}

// version finds one by its number or label; nil where there is none.
func (p *parameter) version(selector string) *parameter {
	n, err := strconv.ParseInt(selector, 10, 64)
	for _, v := range p.versions() {
		if err == nil && v.Version == n || slices.Contains(v.Labels, selector) {
			return &v
		}
	}
	return nil
}

func (s *parameterStore) history(c *call) (object, error) {
	name, _ := selected(text(c.in, "Name"))
	p, _, err := s.find(c, name)
	if err != nil {
		return nil, err
	}
	entries := []any{}
	for _, v := range p.versions() {
		shown := with(without(s.show(c, &v), "ARN"), v.facts())
		shown["Labels"] = anys(v.Labels)
		entries = append(entries, shown)
	}
	return ssmPage(c, "Parameters", entries, 50)
}

// facts are what history and description show besides the value.
func (p *parameter) facts() object {
	facts := object{
		"Tier": p.tier(), "Policies": []any{}, "LastModifiedUser": nonEmpty(p.User), "Description": nonEmpty(p.Description),
		"KeyId": nonEmpty(p.KeyID), "AllowedPattern": nonEmpty(p.AllowedPattern),
	}
	if p.Policies != "" {
		facts["Policies"] = []any{object{"PolicyText": p.Policies, "PolicyStatus": "Pending"}}
	}
	return facts
}

func (p *parameter) tier() string {
	if p.Tier == "" {
		return "Standard"
	}
	return p.Tier
}

// relabel finds a parameter of a call and lets edit change its versions' labels.
func (s *parameterStore) relabel(c *call, edit func(versions []parameter, at int)) (object, error) {
	p, _, err := s.find(c, text(c.in, "Name"))
	if err != nil {
		return nil, err
	}
	if len(texts(c.in, "Labels")) == 0 || len(texts(c.in, "Labels")) > maxLabels {
		return nil, ssmInvalid("1 validation error detected: Value at 'labels' failed to satisfy constraint: Member must have length between 1 and 10, inclusive.")
	}
	all := p.versions()
	n := number(p.Version, c.in, "ParameterVersion")
	at := slices.IndexFunc(all, func(v parameter) bool { return v.Version == n })
	if at < 0 {
		return nil, fail("ParameterVersionNotFound", "Systems Manager could not find version %d of %s. Verify the version and try again.", n, p.Name)
	}
	for i := range all {
		all[i].Labels = slices.Clone(all[i].Labels)
	}
	edit(all, at)
	if len(all[at].Labels) > maxLabels {
		return nil, fail("ParameterVersionLabelLimitExceeded", "A parameter version can have a maximum of ten labels.")
	}
	next := all[len(all)-1]
	next.Older, next.Tags = all[:len(all)-1], p.Tags
	s.db.parameters.put(next.key(), &next)
	return object{"ParameterVersion": n}, nil
}

// label gives labels to a version; a label that another version has moves.
func (s *parameterStore) label(c *call) (object, error) {
	good := regexp.MustCompile(`^[a-zA-Z_.\-][a-zA-Z0-9_.\-]{0,99}$`)
	invalid := []any{}
	out, err := s.relabel(c, func(all []parameter, at int) {
		for _, l := range texts(c.in, "Labels") {
			lower := strings.ToLower(l)
			if !good.MatchString(l) || strings.HasPrefix(lower, "aws") || strings.HasPrefix(lower, "ssm") {
				invalid = append(invalid, l)
				continue
			}
			for i := range all {
				all[i].Labels = slices.DeleteFunc(all[i].Labels, func(o string) bool { return o == l })
			}
			all[at].Labels = append(all[at].Labels, l)
		}
	})
	if err != nil {
		return nil, err
	}
	return with(out, object{"InvalidLabels": invalid}), nil
}

func (s *parameterStore) unlabel(c *call) (object, error) {
	removed, invalid := []any{}, []any{}
	if c.in["ParameterVersion"] == nil {
		return nil, ssmInvalid("1 validation error detected: Value null at 'parameterVersion' failed to satisfy constraint: Member must not be null")
	}
	_, err := s.relabel(c, func(all []parameter, at int) {
		for _, l := range texts(c.in, "Labels") {
			if i := slices.Index(all[at].Labels, l); i >= 0 {
				all[at].Labels = slices.Delete(all[at].Labels, i, i+1)
				removed = append(removed, l)
			} else {
				invalid = append(invalid, l)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return object{"RemovedLabels": removed, "InvalidLabels": invalid}, nil
}

// ssmPage cuts a page out, in SSM's words.
func ssmPage(c *call, member string, entries []any, most int64) (object, error) {
	size := number(most, c.in, "MaxResults")
	if size < 1 || size > most {
		return nil, ssmInvalid("1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: Member must be between 1 and %d.", size, most)
	}
	sub := *c
	sub.in = with(c.in, object{"limit": size})
	out, err := window(&sub, member, "NextToken", entries, int(size))
	if err != nil {
		return nil, fail("InvalidNextToken", "The specified token isn't valid.")
	}
	return out, nil
}
