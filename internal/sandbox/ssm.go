package sandbox

import (
	"slices"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// parameterStore answers SSM's calls on parameters. Nothing is encrypted: a SecureString is
// returned as it was put, and as a row of stars without WithDecryption.
type parameterStore struct {
	db *database
}

func (s *parameterStore) answers() map[string]answer {
	return map[string]answer{
		"PutParameter":        s.put,
		"GetParameter":        s.get,
		"GetParameters":       s.getMany,
		"GetParametersByPath": s.getByPath,
		"DeleteParameter":     s.remove,
		"DeleteParameters":    s.removeMany,
	}
}

func (s *parameterStore) put(c *call) (object, error) {
	name := text(c.in, "Name")
	if strings.HasPrefix(name, "/aws") || strings.HasPrefix(name, "aws") || strings.HasPrefix(name, "ssm") {
		return nil, fail("AccessDeniedException", "No access to reserved parameter name: %s.", name)
	}
	p := parameter{
		Name: name, Region: c.region, Type: text(c.in, "Type"), Value: text(c.in, "Value"),
		DataType: text(c.in, "DataType"), Version: 1, Modified: c.now,
	}
	if old := s.db.parameters.get(c.region + "/" + name); old != nil {
		if !flag(false, c.in, "Overwrite") {
			return nil, fail("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
		}
		p.Version = old.Version + 1
		if p.Type == "" {
			p.Type = old.Type
		}
	}
	if p.Type == "" {
		return nil, fail("ValidationException", "A parameter type is required when you create a parameter.")
	}
	if p.DataType == "" {
		p.DataType = "text"
	}
	s.db.parameters.put(c.region+"/"+name, &p)
	return object{"Version": p.Version, "Tier": "Standard"}, nil
}

func (s *parameterStore) show(c *call, p *parameter) object {
	value := p.Value
	if p.Type == "SecureString" && !flag(false, c.in, "WithDecryption") {
		value = "****"
	}
	account := c.account
	if strings.HasPrefix(p.Name, "/aws/service/") {
		account = ""
	}
	return object{
		"Name": p.Name, "Type": p.Type, "Value": value, "Version": p.Version, "DataType": p.DataType,
		"LastModifiedDate": epoch(isoTime(p.Modified)),
		"ARN": awsmodel.ARN{
			Partition: awsmodel.PartitionOf(c.region), Service: "ssm", Region: c.region, Account: account,
			Resource: "parameter/" + strings.TrimPrefix(p.Name, "/"),
		}.String(),
	}
}

// find returns a parameter by its name or ARN. Only the newest version is kept.
func (s *parameterStore) find(c *call, name string) *parameter {
	return s.db.parameters.get(c.region + "/" + parameterName(name))
}

func (s *parameterStore) get(c *call) (object, error) {
	p := s.find(c, text(c.in, "Name"))
	if p == nil {
		return nil, fail("ParameterNotFound", "")
	}
	return object{"Parameter": s.show(c, p)}, nil
}

func (s *parameterStore) getMany(c *call) (object, error) {
	names := texts(c.in, "Names")
	if len(names) == 0 || len(names) > 10 {
		return nil, fail("ValidationException", "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and 10, inclusive.")
	}
	found, missing := []any{}, []any{}
	for _, n := range names {
		if p := s.find(c, n); p != nil {
			found = append(found, s.show(c, p))
		} else {
			missing = append(missing, n)
		}
	}
	return object{"Parameters": found, "InvalidParameters": missing}, nil
}

func (s *parameterStore) getByPath(c *call) (object, error) {
	if len(list(c.in, "ParameterFilters")) > 0 {
		return nil, fail("InvalidFilterKey", "The sandbox does not do this: filters of GetParametersByPath.")
	}
	path := strings.TrimSuffix(text(c.in, "Path"), "/") + "/"
	var names []string
	for _, p := range s.db.parameters.rows {
		rest, ok := strings.CutPrefix(p.Name, path)
		if p.Region == c.region && ok && (flag(false, c.in, "Recursive") || !strings.Contains(rest, "/")) {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	out := []any{}
	for _, n := range names {
		out = append(out, s.show(c, s.find(c, n)))
	}
	sub := *c
	sub.in = with(c.in, object{"limit": number(10, c.in, "MaxResults")})
	paged, err := window(&sub, "Parameters", "NextToken", out, 10)
	if err != nil {
		return nil, fail("InvalidNextToken", "The specified token isn't valid.")
	}
	return paged, nil
}

func (s *parameterStore) remove(c *call) (object, error) {
	p := s.find(c, text(c.in, "Name"))
	if p == nil || strings.HasPrefix(p.Name, "/aws/") {
		return nil, fail("ParameterNotFound", "")
	}
	s.db.parameters.remove(c.region + "/" + p.Name)
	return object{}, nil
}

func (s *parameterStore) removeMany(c *call) (object, error) {
	deleted, missing := []any{}, []any{}
	for _, n := range texts(c.in, "Names") {
		sub := *c
		sub.in = object{"Name": n}
		if _, err := s.remove(&sub); err != nil {
			missing = append(missing, n)
		} else {
			deleted = append(deleted, n)
		}
	}
	return object{"DeletedParameters": deleted, "InvalidParameters": missing}, nil
}
