package sandbox

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/iampolicy"
)

const iamNamespace = "https://iam.amazonaws.com/doc/2010-05-08/"

// The members of IAM's answers, as XML.
type (
	iamRole struct {
		Path, RoleName, RoleId, Arn, CreateDate, AssumeRolePolicyDocument string
		MaxSessionDuration                                                int
	}
	iamProfile struct {
		Path, InstanceProfileName, InstanceProfileId, Arn, CreateDate string
		Roles                                                         []iamRole `xml:"Roles>member"`
	}
	iamAttached struct{ PolicyName, PolicyArn string }
	evaluation  struct{ EvalActionName, EvalResourceName, EvalDecision string }
)

// linkedRoles are the roles that services have of their own. In an account without roles of its own
// they are there, as in every account that was ever used.
var linkedRoles = map[string]string{ //nolint:gochecknoglobals // a table, never written
	"AWSServiceRoleForImageBuilder":                  "imagebuilder.amazonaws.com",
	"AmazonAppStreamServiceAccess":                   "appstream.amazonaws.com",
	"ApplicationAutoScalingForAmazonAppStreamAccess": "application-autoscaling.amazonaws.com",
}

// serveIAM answers the questions that can be asked about roles. Nothing can be made: roles come with
// the server's options.
func (s *Server) serveIAM(w http.ResponseWriter, r *http.Request, c *call, authErr error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := r.ParseForm()
	c.name = r.Form.Get("Action")
	var result any
	if err = cmp.Or(err, authErr, s.fault("iam:"+c.name)); err == nil {
		result, err = s.iam(c, r.Form)
	}
	if err != nil {
		writeQueryError(w, c, err)
		return
	}
	writeXML(w, http.StatusOK, queryAnswer(c, iamNamespace, result))
}

func (s *Server) iam(c *call, form url.Values) (any, error) {
	switch c.name {
	case "GetRole":
		role, err := s.showRole(c, form.Get("RoleName"))
		return struct{ Role iamRole }{role}, err
	case "GetInstanceProfile":
		name := form.Get("InstanceProfileName")
		role, err := s.showRole(c, name)
		if err != nil {
			return nil, noEntity("Instance Profile %s cannot be found.", name)
		}
		return struct{ InstanceProfile iamProfile }{iamProfile{
			Path: "/", InstanceProfileName: name, InstanceProfileId: "AIPA" + role.RoleId[4:], CreateDate: role.CreateDate,
			Arn: strings.Replace(role.Arn, ":role/", ":instance-profile/", 1), Roles: []iamRole{role},
		}}, nil
	case "ListAttachedRolePolicies":
		return s.attached(c, form.Get("RoleName"))
	case "SimulatePrincipalPolicy":
		return s.simulate(form)
	}
	return nil, fail("UnsupportedOperation", "The sandbox does not do this: iam:%s. Its roles come with its options.", c.name)
}

func noEntity(format string, args ...any) error {
	f := asFailure(fail("NoSuchEntity", format, args...))
	f.Status = http.StatusNotFound
	return f
}

// showRole is a role as GetRole shows it. Without roles among the options every role is there, trusting everybody.
func (s *Server) showRole(c *call, name string) (iamRole, error) {
	role, ok := s.role(c.account, name)
	service, linked := linkedRoles[name]
	if !ok && !linked || name == "" {
		return iamRole{}, noEntity("The role with name %s cannot be found.", name)
	}
	path := "/"
	if linked {
		path = "/aws-service-role/" + service + "/"
		role = Role{Name: name, Trust: iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
			Effect: "Allow", Principal: iampolicy.Principal{"Service": {service}}, Action: iampolicy.Strings{"sts:AssumeRole"},
		}}}}
	}
	trust := role.Trust
	if trust.Statement == nil {
		trust = iampolicy.Document{Version: iampolicy.Version, Statement: []iampolicy.Statement{{
			Effect: "Allow", Principal: iampolicy.Principal{"*": {"*"}}, Action: iampolicy.Strings{"sts:*"},
		}}}
	}
	raw, err := json.Marshal(trust)
	if err != nil {
		return iamRole{}, err
	}
	arn := awsmodel.ARN{Partition: awsmodel.PartitionOf(c.region), Service: "iam", Account: c.account, Resource: "role" + path + name}
	return iamRole{
		Path: path, RoleName: name, RoleId: "AROASANDBOX" + strconv.Itoa(len(name)), Arn: arn.String(), CreateDate: "2026-01-01T00:00:00Z",
		AssumeRolePolicyDocument: url.QueryEscape(string(raw)), MaxSessionDuration: int(cmp.Or(role.MaxSession, time.Hour) / time.Second),
	}, nil
}

// attached are a role's managed policies; of a role that the options do not have, those that an instance profile needs.
func (s *Server) attached(c *call, name string) (any, error) {
	role, ok := s.role(c.account, name)
	if !ok {
		return nil, noEntity("The role with name %s cannot be found.", name)
	}
	managed := role.Managed
	if len(s.opts.Roles) == 0 {
		managed = []string{"EC2InstanceProfileForImageBuilder", "EC2InstanceProfileForImageBuilderECRContainerBuilds", "AmazonSSMManagedInstanceCore"}
	}
	out := struct {
		IsTruncated      bool
		AttachedPolicies []iamAttached `xml:"AttachedPolicies>member"`
	}{}
	for _, m := range managed {
		arn := "arn:" + awsmodel.PartitionOf(c.region) + ":iam::aws:policy/" + m
		out.AttachedPolicies = append(out.AttachedPolicies, iamAttached{m[strings.LastIndexByte(m, '/')+1:], arn})
	}
	return out, nil
}

// simulate judges a role's own policies. The sandbox itself allows everything, and so does a role that has none here.
func (s *Server) simulate(form url.Values) (any, error) {
	m := roleARN().FindStringSubmatch(form.Get("PolicySourceArn"))
	if m == nil {
		return nil, fail("UnsupportedOperation", "The sandbox does not do this: simulating what is no role, %s.", form.Get("PolicySourceArn"))
	}
	role, ok := s.role(m[1], m[2])
	if !ok {
		return nil, noEntity("The role with name %s cannot be found.", m[2])
	}
	context := map[string][]string{}
	for i := 1; form.Has("ContextEntries.member." + strconv.Itoa(i) + ".ContextKeyName"); i++ {
		p := "ContextEntries.member." + strconv.Itoa(i)
		context[form.Get(p+".ContextKeyName")] = members(form, p+".ContextKeyValues")
	}
	resources := members(form, "ResourceArns")
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	out := struct {
		IsTruncated       bool
		EvaluationResults []evaluation `xml:"EvaluationResults>member"`
	}{}
	for _, action := range members(form, "ActionNames") {
		for _, resource := range resources {
			decision, err := decided(role, iampolicy.Request{Action: action, Resource: resource, Context: context})
			if err != nil {
				return nil, fail("UnsupportedOperation", "The sandbox does not do this: a policy of %s: %s.", role.Name, err)
			}
			out.EvaluationResults = append(out.EvaluationResults, evaluation{action, resource, decision})
		}
	}
	return out, nil
}

// decided is IAM's word for what a role's policies together say.
func decided(role Role, r iampolicy.Request) (string, error) {
	word := "implicitDeny"
	if len(role.Policies) == 0 {
		word = "allowed"
	}
	for _, p := range role.Policies {
		d, err := p.Decide(r)
		switch {
		case err != nil:
			return "", err
		case d.Denied != "":
			return "explicitDeny", nil
		case d.Allowed:
			word = "allowed"
		}
	}
	return word, nil
}

// members are the values of a list in the query protocol.
func members(form url.Values, name string) []string {
	var out []string
	for i := 1; form.Has(name + ".member." + strconv.Itoa(i)); i++ {
		out = append(out, form.Get(name+".member."+strconv.Itoa(i)))
	}
	return slices.Clip(out)
}
