package iampolicy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/iampolicy"
)

const trust = `{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {
      "StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
      "StringLike": {"token.actions.githubusercontent.com:sub": ["repo:o/r:environment:*", "repo:o/r:ref:refs/heads/main"]}
    }
  }
}`

func request(aud, sub string) iampolicy.Request {
	return iampolicy.Request{
		Action:    "sts:AssumeRoleWithWebIdentity",
		Principal: iampolicy.Principal{"Federated": {"arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"}},
		Context: map[string][]string{
			"token.actions.githubusercontent.com:AUD": {aud}, "token.actions.githubusercontent.com:sub": {sub},
		},
	}
}

func TestTrust(t *testing.T) {
	d, err := iampolicy.Parse([]byte(trust))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		r     iampolicy.Request
		ok    bool
		unmet string
	}{
		{r: request("sts.amazonaws.com", "repo:o/r:environment:prod"), ok: true},
		{r: request("sts.amazonaws.com", "repo:o/r:ref:refs/heads/main"), ok: true},
		{r: request("sts.amazonaws.com", "repo:O/r:environment:prod"), unmet: `StringLike wants token.actions.githubusercontent.com:sub to be ["repo:o/r:environment:*" "repo:o/r:ref:refs/heads/main"], and it is ["repo:O/r:environment:prod"]`},
		{r: request("x", "repo:o/r:environment:prod"), unmet: "StringEquals"},
		{r: iampolicy.Request{Action: "sts:AssumeRole"}},
	} {
		got, err := d.Decide(tt.r)
		if err != nil || got.Allowed != tt.ok || tt.unmet != "" && !strings.Contains(strings.Join(got.Unmet, "\n"), tt.unmet) {
			t.Errorf("%v: %+v, %v", tt.r.Context, got, err)
		}
	}
}

// TestOperators: absent keys, several values and turned operators, as AWS documents them.
func TestOperators(t *testing.T) {
	for _, tt := range []struct {
		condition string
		context   map[string][]string
		want      bool
	}{
		{`{"StringNotEquals": {"k": "a"}}`, nil, true},
		{`{"StringNotEquals": {"k": ["a", "b"]}}`, map[string][]string{"k": {"b"}}, false},
		{`{"StringEqualsIfExists": {"k": "a"}}`, nil, true},
		{`{"StringEqualsIfExists": {"k": "a"}}`, map[string][]string{"k": {"b"}}, false},
		{`{"ForAllValues:StringEquals": {"k": ["a"]}}`, nil, true},
		{`{"ForAllValues:StringEquals": {"k": ["a"]}}`, map[string][]string{"k": {"a", "b"}}, false},
		{`{"ForAnyValue:StringEquals": {"k": ["a"]}}`, nil, false},
		{`{"ForAnyValue:StringEquals": {"k": ["a"]}}`, map[string][]string{"k": {"a", "b"}}, true},
		{`{"Null": {"k": "true"}}`, nil, true},
		{`{"Null": {"k": "false"}}`, nil, false},
		{`{"Bool": {"k": true}}`, map[string][]string{"k": {"true"}}, true},
		{`{"ArnLike": {"k": "arn:aws:iam::*:role/x"}}`, map[string][]string{"k": {"arn:aws:iam::1:role/x"}}, true},
		{`{"StringEqualsIgnoreCase": {"k": "A"}}`, map[string][]string{"K": {"a"}}, true},
		{`{"StringEquals": {"k": "a"}, "StringLike": {"l": "b*"}}`, map[string][]string{"k": {"a"}, "l": {"c"}}, false},
	} {
		d, err := iampolicy.Parse([]byte(`{"Statement": [{"Effect": "Allow", "Action": "s:A", "Resource": "*", "Condition": ` + tt.condition + `}]}`))
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Decide(iampolicy.Request{Action: "s:a", Resource: "x", Context: tt.context})
		if err != nil || got.Allowed != tt.want {
			t.Errorf("%s with %v: %+v, %v", tt.condition, tt.context, got, err)
		}
	}
}

// TestWhatCannotBeJudged is an error and no answer.
func TestWhatCannotBeJudged(t *testing.T) {
	for _, condition := range []string{`{"DateLessThan": {"k": "2020-01-01"}}`, `{"StringEquals": {"k": "${aws:username}"}}`} {
		d, err := iampolicy.Parse([]byte(`{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": ` + condition + `}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := d.Decide(iampolicy.Request{Action: "s:A", Resource: "x", Context: map[string][]string{"k": {"v"}}}); err == nil {
			t.Errorf("%s: %+v", condition, got)
		}
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"Statement": []}`, `{"Statement": [{"Effect": "allow", "Action": "*"}]}`, `{"Statement": {"Effect": "Allow"}}`, `{"Statement": {"Effect": "Allow", "Action": {"a": 1}}}`} {
		if d, err := iampolicy.Parse([]byte(bad)); err == nil {
			t.Errorf("%s is %+v", bad, d)
		}
	}
}

func TestDenialsWin(t *testing.T) {
	d, err := iampolicy.Parse([]byte(`{"Statement": [
		{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
		{"Sid": "NotThere", "Effect": "Deny", "NotAction": "ec2:Describe*", "NotResource": "arn:aws:ec2:eu-west-1:*"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		action, resource string
		allowed          bool
		denied           string
	}{
		{"ec2:DescribeImages", "*", true, ""},
		{"ec2:RunInstances", "arn:aws:ec2:eu-west-1:1:instance/i", true, ""},
		{"ec2:RunInstances", "arn:aws:ec2:eu-west-2:1:instance/i", false, "NotThere"},
		{"s3:GetObject", "arn:aws:ec2:eu-west-1:x", false, ""},
	} {
		got, err := d.Decide(iampolicy.Request{Action: tt.action, Resource: tt.resource})
		if err != nil || got.Allowed != tt.allowed || got.Denied != tt.denied {
			t.Errorf("%s on %s: %+v, %v", tt.action, tt.resource, got, err)
		}
	}
}

// TestWrittenAndRead: what is written is read as the same; its size is IAM's, without white space.
func TestWrittenAndRead(t *testing.T) {
	d, err := iampolicy.Parse([]byte(trust))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	again, err := iampolicy.Parse(raw)
	if err != nil || again.Size() != d.Size() || !slices.Equal(again.Statement[0].Action, d.Statement[0].Action) {
		t.Errorf("%s, %v", raw, err)
	}
	if n := d.Size(); n != 410 {
		t.Errorf("size %d", n)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**", "")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !iampolicy.Match("*"+pattern, s) && iampolicy.Match(pattern, s) {
			t.Errorf("%q matches %q, and does not after a star", pattern, s)
		}
		if !strings.ContainsAny(pattern, "*?") && iampolicy.Match(pattern, s) != (pattern == s) {
			t.Errorf("%q and %q", pattern, s)
		}
	})
}
