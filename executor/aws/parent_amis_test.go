package aws_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/sandbox"
	"github.com/org/imagebuild-action/planner"
)

// The AMI that a parameter holds is described as EC2 has it, and held against the component.
func TestParentAMIsFromTheSandbox(t *testing.T) {
	c, _, _ := connect(t)
	const windows = "/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-Base"
	const linux = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
	lookup := func(name string) dsl.Addr { return dsl.Addr{Type: planner.LookupType, Name: "ssm:" + name} }
	facts, diags := c.Facts(t.Context(), &planner.Graph{Region: region, Lookups: []planner.Lookup{{Addr: lookup(windows)}, {Addr: lookup(linux)}}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, x := range []struct{ ami, want string }{
		{facts[lookup(windows)]["value"], "ib-component-platform"},
		{facts[lookup(linux)]["value"], ""},
		{"ami-0123456789abcdef0", "ib-parent-state"},
	} {
		g := compile(t, map[string]string{"main.ib.hcl": fmt.Sprintf(strings.ReplaceAll(staged, `, "aws:update-linux"`, ""), "x", x.ami)})
		amis, diags := c.ParentAMIs(t.Context(), g)
		if diags.HasErrors() || len(amis) != 1 {
			t.Fatalf("%v %v", amis, diags)
		}
		var got []string
		for _, d := range g.CheckParents(amis, nil) {
			got = append(got, fmt.Sprint(d.Extra))
		}
		if strings.Join(got, " ") != x.want {
			t.Errorf("%s: %v, want %q", x.ami, got, x.want)
		}
	}
}

// Who may not ask goes on without an answer.
func TestParentAMIsDenied(t *testing.T) {
	server, err := sandbox.Open(t.Context(), sandbox.Options{
		Dir: t.TempDir(), Root: "none", Region: region, Account: account,
		Faults: []sandbox.Fault{{Operation: "ec2:DescribeImages", Code: "UnauthorizedOperation", Status: 403}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if closeErr := server.Close(); closeErr != nil {
			t.Error(closeErr)
		}
	})
	url, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := aws.New(t.Context(), aws.Config{Region: region, Endpoint: url, KeyID: "sandbox", SecretKey: "sandbox"})
	if err != nil {
		t.Fatal(err)
	}
	g := compile(t, map[string]string{"main.ib.hcl": fmt.Sprintf(staged, "x", "ami-0123456789abcdef0")})
	amis, diags := c.ParentAMIs(t.Context(), g)
	if len(amis) != 0 || len(diags) != 1 || diags[0].Severity != hcl.DiagWarning || !strings.Contains(diags[0].Detail, "ec2:DescribeImages") {
		t.Errorf("%v %v", amis, diags)
	}
	if got := g.CheckParents(amis, nil); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
