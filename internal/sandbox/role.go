package sandbox

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/imagebuild-action/internal/iampolicy"
)

// A Role is an IAM role of the account. Where an account has roles at all, no other can be assumed.
type Role struct {
	Name string
	// Account owns the role; "" is the sandbox's.
	Account string
	// Trust says who may assume it.
	Trust iampolicy.Document
	// MaxSession is how long its sessions may last; 0 is IAM's default of an hour.
	MaxSession time.Duration
	// Policies are what its sessions may do, for those who ask IAM. The sandbox itself allows everything.
	Policies []iampolicy.Document
	// Managed are names of AWS's own policies that are attached to it.
	Managed []string
}

// ParseRole reads a role as CreateRole takes it and GetRole shows it: RoleName or Arn,
// AssumeRolePolicyDocument, MaxSessionDuration in seconds; and Policies, a list of policy documents, and
// ManagedPolicies, a list of names.
func ParseRole(raw []byte) (Role, error) {
	var file struct {
		RoleName, Arn            string
		MaxSessionDuration       int
		AssumeRolePolicyDocument json.RawMessage
		Policies                 []json.RawMessage
		ManagedPolicies          []string
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return Role{}, fmt.Errorf("reading the role: %w", err)
	}
	r := Role{Name: file.RoleName, MaxSession: time.Duration(file.MaxSessionDuration) * time.Second, Managed: file.ManagedPolicies}
	if m := roleARN().FindStringSubmatch(file.Arn); m != nil {
		r.Account, r.Name = m[1], m[2]
	}
	if r.Name == "" {
		return Role{}, errors.New("the role has neither RoleName nor the Arn of a role")
	}
	var err error
	if r.Trust, err = iampolicy.Parse(unquoted(file.AssumeRolePolicyDocument)); err != nil {
		return Role{}, fmt.Errorf("AssumeRolePolicyDocument of %s: %w", r.Name, err)
	}
	for _, p := range file.Policies {
		d, err := iampolicy.Parse(unquoted(p))
		if err != nil {
			return Role{}, fmt.Errorf("policies of %s: %w", r.Name, err)
		}
		r.Policies = append(r.Policies, d)
	}
	return r, nil
}

// unquoted is a document that may be written as a string, as the API's is.
func unquoted(raw json.RawMessage) []byte {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return []byte(s)
	}
	return raw
}

// role finds a role of the account; false where the account has roles and this is none of them.
func (s *Server) role(account, name string) (Role, bool) {
	if len(s.opts.Roles) == 0 {
		return Role{Name: name, Account: account, MaxSession: longestSession}, true
	}
	i := slices.IndexFunc(s.opts.Roles, func(r Role) bool {
		return r.Name == name && cmp.Or(r.Account, s.opts.Account) == account
	})
	if i < 0 {
		return Role{}, false
	}
	return s.opts.Roles[i], true
}

const longestSession = 12 * time.Hour

// trusted is whether a role may be assumed in the way of the request. AWS tells nobody why not.
func (s *Server) trusted(c *call, arn string, r iampolicy.Request) (Role, error) {
	denied := &failure{Code: "AccessDenied", Status: http.StatusForbidden, Message: "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	if r.Action == "sts:AssumeRole" {
		denied.Message = fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.caller, arn)
	}
	m := roleARN().FindStringSubmatch(arn)
	role, ok := s.role(m[1], m[2])
	if !ok {
		return role, denied
	}
	if role.Trust.Statement == nil { // an account without roles trusts everybody
		return role, nil
	}
	d, err := role.Trust.Decide(r)
	if err != nil {
		return role, fail("UnsupportedOperation", "The sandbox does not do this: the trust policy of %s: %s.", role.Name, err)
	}
	if !d.Allowed {
		s.opts.Log("trust policy of " + role.Name + ": " + strings.Join(append(d.Unmet, d.Denied), "; "))
		return role, denied
	}
	return role, nil
}

// byWebIdentity is what a trust policy sees of a token: its claims as context keys of its issuer.
func (c claims) byWebIdentity(account, partition string) iampolicy.Request {
	host := strings.TrimPrefix(strings.TrimPrefix(c.Iss, "https://"), "http://")
	context := map[string][]string{}
	for name, values := range c.text {
		context[host+":"+name] = values
	}
	return iampolicy.Request{
		Action:    "sts:AssumeRoleWithWebIdentity",
		Principal: iampolicy.Principal{"Federated": {"arn:" + partition + ":iam::" + account + ":oidc-provider/" + host}},
		Context:   context,
	}
}

// byRole is what a trust policy sees of somebody who has credentials: the role of the session, and its account.
func byRole(c *call, form url.Values, partition string) iampolicy.Request {
	who := iampolicy.Strings{c.caller, c.account, "arn:" + partition + ":iam::" + c.account + ":root"}
	if _, session, ok := strings.Cut(c.caller, ":assumed-role/"); ok {
		name, _, _ := strings.Cut(session, "/")
		who = append(who, "arn:"+partition+":iam::"+c.account+":role/"+name)
	}
	context := map[string][]string{}
	if id := form.Get("ExternalId"); id != "" {
		context["sts:ExternalId"] = []string{id}
	}
	for key, value := range sessionTags(form) {
		context["aws:RequestTag/"+key] = []string{value}
	}
	return iampolicy.Request{Action: "sts:AssumeRole", Principal: iampolicy.Principal{"AWS": who}, Context: context}
}

// sessionTags are the tags of the query protocol's list.
func sessionTags(form url.Values) map[string]string {
	out := map[string]string{}
	for i := 1; form.Has("Tags.member." + strconv.Itoa(i) + ".Key"); i++ {
		p := "Tags.member." + strconv.Itoa(i)
		out[form.Get(p+".Key")] = form.Get(p + ".Value")
	}
	return out
}
