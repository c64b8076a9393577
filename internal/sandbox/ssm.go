package sandbox

import (
	"cmp"
	"regexp"
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
		"PutParameter":            s.put,
		"GetParameter":            s.get,
		"GetParameters":           s.getMany,
		"GetParametersByPath":     s.getByPath,
		"GetParameterHistory":     s.history,
		"DescribeParameters":      s.describe,
		"DeleteParameter":         s.remove,
		"DeleteParameters":        s.removeMany,
		"LabelParameterVersion":   s.label,
		"UnlabelParameterVersion": s.unlabel,
		"AddTagsToResource":       s.addTags,
		"RemoveTagsFromResource":  s.removeTags,
		"ListTagsForResource":     s.listTags,
	}
}

// maxVersions is how many versions of a parameter SSM keeps.
const maxVersions = 100

// putParameter stores a parameter as the next version of the one that has its name. An error is SSM's, for one that has
// too many versions with labels.
func (db *database) putParameter(p *parameter) error {
	key := p.key()
	p.Version = 1
	if old := db.parameters.get(key); old != nil {
		p.Version, p.Tags = old.Version+1, old.Tags
		last := *old
		last.Older, last.Tags = nil, nil
		p.Older = append(slices.Clone(old.Older), last)
		if len(p.Older) >= maxVersions {
			if len(p.Older[0].Labels) > 0 {
				return fail("ParameterMaxVersionLimitExceeded", "You can't create a new version of %s: version %d, the oldest, has a label attached to it. Move the label to another version of the parameter, and try again.", p.Name, p.Older[0].Version)
			}
			p.Older = p.Older[1:]
		}
	}
	db.parameters.put(key, p)
	return nil
}

func ssmInvalid(format string, args ...any) error {
	return fail("ValidationException", format, args...)
}

// checkName holds a new parameter's name to SSM's rules.
func (s *parameterStore) checkName(name string) error {
	lower := strings.ToLower(name)
	switch {
	case strings.HasPrefix(lower, "/aws"), strings.HasPrefix(lower, "/ssm"), strings.HasPrefix(lower, "aws"), strings.HasPrefix(lower, "ssm"):
		return fail("AccessDeniedException", "No access to reserved parameter name: %s.", name)
	case strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		return ssmInvalid("Parameter name must be a fully qualified name.")
	case len(name) > 1011 || !regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`).MatchString(name):
		return ssmInvalid("Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_")
	case strings.Count(name, "/") > 15:
		return fail("HierarchyLevelLimitExceededException", "A hierarchy can have a maximum of 15 levels.")
	}
	return nil
}

func (s *parameterStore) put(c *call) (object, error) {
	name := text(c.in, "Name")
	if err := s.checkName(name); err != nil {
		return nil, err
	}
	p := parameter{
		Name: name, Region: c.region, Account: s.db.foreign(c.account), Type: text(c.in, "Type"), Value: text(c.in, "Value"), DataType: cmp.Or(text(c.in, "DataType"), "text"), Modified: c.now,
		Description: text(c.in, "Description"), KeyID: text(c.in, "KeyId"), AllowedPattern: text(c.in, "AllowedPattern"),
		Tier: text(c.in, "Tier"), Policies: text(c.in, "Policies"), User: c.caller, Tags: pairs(list(c.in, "Tags")),
	}
	if old := s.db.parameters.get(p.key()); old != nil {
		switch {
		case !flag(false, c.in, "Overwrite"):
			return nil, fail("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
		case p.Type != "" && p.Type != old.Type:
			return nil, fail("HierarchyTypeMismatchException", "The parameter type can't be changed from %s to %s.", old.Type, p.Type)
		}
		p.Type = old.Type
		p.Description, p.AllowedPattern = cmp.Or(p.Description, old.Description), cmp.Or(p.AllowedPattern, old.AllowedPattern)
		p.KeyID, p.Tier = cmp.Or(p.KeyID, old.KeyID), cmp.Or(p.Tier, old.Tier)
	}
	if err := checkParameter(c, &p); err != nil {
		return nil, err
	}
	if err := s.db.putParameter(&p); err != nil {
		return nil, err
	}
	return object{"Version": p.Version, "Tier": p.Tier}, nil
}

// checkParameter holds a parameter's value to its type, size and pattern, and fills in what AWS does.
func checkParameter(c *call, p *parameter) error {
	if p.Type == "SecureString" {
		p.KeyID = cmp.Or(p.KeyID, "alias/aws/ssm")
	}
	most := 4096
	if p.Tier == "Advanced" || p.Tier == "Intelligent-Tiering" {
		most = 8192
	}
	switch {
	case len(p.Tags) > 0 && flag(false, c.in, "Overwrite"):
		return ssmInvalid("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	case p.Type == "":
		return ssmInvalid("A parameter type is required when you create a parameter.")
	case p.Value == "":
		return ssmInvalid("1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.")
	case len(p.Value) > most:
		return ssmInvalid("Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier.")
	case p.KeyID != "" && p.Type != "SecureString":
		return ssmInvalid("KeyId is required for SecureString type parameter only.")
	}
	if p.AllowedPattern != "" {
		re, err := regexp.Compile(p.AllowedPattern)
		if err != nil {
			return fail("InvalidAllowedPatternException", "The request does not meet the regular expression requirement.")
		}
		if !re.MatchString(p.Value) {
			return fail("ParameterPatternMismatchException", "Parameter value, cannot be validated against allowedPattern: %s", p.AllowedPattern)
		}
	}
	if p.Tier == "Intelligent-Tiering" || p.Tier == "" {
		p.Tier = "Standard"
		if len(p.Value) > 4096 || p.Policies != "" {
			p.Tier = "Advanced"
		}
	}
	if p.Policies != "" && p.Tier != "Advanced" {
		return fail("InvalidPolicyAttributeException", "Parameter policies need the advanced-parameter tier.")
	}
	return nil
}

func (s *parameterStore) show(c *call, p *parameter) object {
	value := p.Value
	if p.Type == "SecureString" && !flag(false, c.in, "WithDecryption") {
		value = "****"
	}
	return object{
		"Name": p.Name, "Type": p.Type, "Value": value, "Version": p.Version, "DataType": p.DataType,
		"LastModifiedDate": epoch(isoTime(p.Modified)), "ARN": p.arn(c),
	}
}

func (p *parameter) arn(c *call) string {
	account := c.account
	if strings.HasPrefix(p.Name, "/aws/service/") {
		account = ""
	}
	return awsmodel.ARN{
		Partition: awsmodel.PartitionOf(c.region), Service: "ssm", Region: c.region, Account: account,
		Resource: "parameter/" + strings.TrimPrefix(p.Name, "/"),
	}.String()
}

// find returns a parameter by its name or ARN, in the version or with the label that a colon behind it names.
func (s *parameterStore) find(c *call, name string) (*parameter, string, error) {
	name, selector := selected(name)
	p := s.named(c, name)
	if p == nil {
		return nil, "", fail("ParameterNotFound", "")
	}
	if selector == "" {
		return p, "", nil
	}
	if v := p.version(selector); v != nil {
		return v, ":" + selector, nil
	}
	return nil, "", fail("ParameterVersionNotFound", "Systems Manager could not find version %s of %s. Verify the version and try again.", selector, p.Name)
}

// named returns a parameter by its name or ARN. An ARN does not tell whether the name begins with a slash. One of
// another account or region is none of the caller's: nothing here is shared.
func (s *parameterStore) named(c *call, name string) *parameter {
	if a, err := awsmodel.ParseARN(name); err == nil && (a.Region != c.region || a.Account != "" && a.Account != c.account) {
		return nil
	}
	return s.db.parameter(c.account, c.region, parameterName(name))
}

// parameter is an account's parameter, or a public one of AWS's; nil where there is none.
func (db *database) parameter(account, region, name string) *parameter {
	if strings.HasPrefix(name, "/aws/service/") {
		account = ""
	}
	for _, n := range []string{name, strings.TrimPrefix(name, "/")} {
		if p := db.parameters.get((&parameter{Name: n, Region: region, Account: db.foreign(account)}).key()); p != nil {
			return p
		}
	}
	return nil
}

// chosen is the parameter that a text names, in the version or with the label that a colon behind its name names;
// where there is none, a sentence about it.
func (db *database) chosen(account, region, name string) (p *parameter, why string) {
	name, selector := selected(name)
	if a, err := awsmodel.ParseARN(name); err == nil {
		account = cmp.Or(a.Account, account)
	}
	name = parameterName(name)
	if p = db.parameter(account, region, name); p == nil {
		return nil, "The parameter " + name + " does not exist."
	}
	if selector == "" {
		return p, ""
	}
	if p = p.version(selector); p == nil {
		return nil, "The parameter " + name + " has no version " + selector + "."
	}
	return p, ""
}

// foreign is an account that is not the sandbox's own, else "".
func (db *database) foreign(account string) string {
	if account == db.account {
		return ""
	}
	return account
}

// key is the parameter's place in its table.
func (p *parameter) key() string {
	if p.Account == "" {
		return p.Region + "/" + p.Name
	}
	return p.Account + "/" + p.Region + "/" + p.Name
}

// selected parts a name from the version or label behind it. An ARN has five colons of its own.
func selected(name string) (rest, selector string) {
	head := ""
	if strings.HasPrefix(name, "arn:") {
		if i := strings.Index(name, ":parameter/"); i >= 0 {
			head, name = name[:i+1], name[i+1:]
		}
	}
	name, selector, _ = strings.Cut(name, ":")
	return head + name, selector
}

func (s *parameterStore) get(c *call) (object, error) {
	p, selector, err := s.find(c, text(c.in, "Name"))
	if err != nil {
		return nil, err
	}
	return object{"Parameter": with(s.show(c, p), object{"Selector": nonEmpty(selector)})}, nil
}

func (s *parameterStore) getMany(c *call) (object, error) {
	names := texts(c.in, "Names")
	if len(names) == 0 || len(names) > 10 {
		return nil, ssmInvalid("1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and 10, inclusive.")
	}
	found, missing := []any{}, []any{}
	for _, n := range names {
		if p, selector, err := s.find(c, n); err == nil {
			found = append(found, with(s.show(c, p), object{"Selector": nonEmpty(selector)}))
		} else {
			missing = append(missing, n)
		}
	}
	return object{"Parameters": found, "InvalidParameters": missing}, nil
}

func (s *parameterStore) remove(c *call) (object, error) {
	p := s.named(c, text(c.in, "Name"))
	if p == nil || strings.HasPrefix(p.Name, "/aws/") {
		return nil, fail("ParameterNotFound", "")
	}
	s.db.parameters.remove(p.key())
	return object{}, nil
}

func (s *parameterStore) removeMany(c *call) (object, error) {
	names := texts(c.in, "Names")
	if len(names) == 0 || len(names) > 10 {
		return nil, ssmInvalid("1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and 10, inclusive.")
	}
	deleted, missing := []any{}, []any{}
	for _, n := range names {
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
