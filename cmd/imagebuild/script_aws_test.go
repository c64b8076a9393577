package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// scriptCommands are what scripts may do besides running programs.
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"aws":     awsEndpoint,
		"windows": windowsAMI,
		"call":    streamCall,
		"github":  githubCommand,
	}
}

// awsEndpoint serves an AWS on loopback until the script ends, on the state in a directory, and lets the
// environment's default credentials be it: aws DIR [FAULTS [ROLE]]. With a file of a role there are no such
// credentials: the role is assumed with tokens of the script's GitHub, whose host stands for HOST in the file.
func awsEndpoint(ts *testscript.TestScript, _ bool, args []string) {
	o := sandbox.Options{Dir: ts.MkAbs(args[0]), Root: "none", Self: os.Args[0], Region: "eu-west-1"}
	if len(args) > 1 {
		faults, err := sandbox.ReadFaults(strings.NewReader(ts.ReadFile(args[1])))
		ts.Check(err)
		o.Faults = faults
	}
	keyID, secret := "123456789012", "x"
	if len(args) > 2 {
		issuer := ts.Value(scriptGitHub{}).(*scriptGitHub).server.Issuer()
		_, host, _ := strings.Cut(issuer, "://")
		role, err := sandbox.ParseRole([]byte(strings.ReplaceAll(ts.ReadFile(args[2]), "HOST", host)))
		ts.Check(err)
		o.Roles, o.Issuers, keyID, secret = []sandbox.Role{role}, []sandbox.Issuer{{URL: issuer}}, "", ""
	}
	server, err := sandbox.Open(context.Background(), o)
	ts.Check(err)
	ts.Defer(func() { ts.Check(server.Close()) })
	endpoint, err := server.Listen("127.0.0.1:0")
	ts.Check(err)
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": keyID, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "eu-west-1",
	} {
		ts.Setenv(k, v)
	}
}

// windowsAMI has $AMI be an AMI that AppStream can import, which the endpoint builds of AWS's own.
func windowsAMI(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(ts.Exec("imagebuild", "build", "windows.ib.hcl"))
	body := ask(ts, "ec2", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
		url.Values{"Action": {"DescribeImages"}, "Version": {"2016-11-15"}, "Owner.1": {"self"}}.Encode())
	ts.Setenv("AMI", regexp.MustCompile(`ami-[0-9a-f]{17}`).FindString(body))
}

// streamCall makes one call of AppStream's in JSON 1.1 and prints the answer: call OPERATION [JSON [TEXT]]. With a text it
// is made again until the answer has it.
func streamCall(ts *testscript.TestScript, neg bool, args []string) {
	in, text := "{}", ""
	if len(args) > 1 {
		in = args[1]
	}
	if len(args) > 2 {
		text = args[2]
	}
	header := http.Header{"X-Amz-Target": {"PhotonAdminProxyService." + args[0]}, "Content-Type": {"application/x-amz-json-1.1"}}
	body := ask(ts, "appstream", header, in)
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(body, text) && time.Now().Before(deadline); {
		body = ask(ts, "appstream", header, in)
	}
	_, err := fmt.Fprintln(ts.Stdout(), body)
	ts.Check(err)
	var answer struct {
		Type string `json:"__type"`
	}
	ts.Check(json.Unmarshal([]byte(body), &answer))
	if failed := answer.Type != ""; failed != neg {
		ts.Fatalf("%s is answered %s", args[0], body)
	}
}

func ask(ts *testscript.TestScript, service string, header http.Header, body string) string {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, ts.Getenv("AWS_ENDPOINT_URL")+"/", strings.NewReader(body))
	ts.Check(err)
	r.Header = header
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+ts.Getenv("AWS_ACCESS_KEY_ID")+"/20261101/"+ts.Getenv("AWS_REGION")+"/"+service+"/aws4_request")
	resp, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer resp.Body.Close() //nolint:errcheck // read to its end
	out, err := io.ReadAll(resp.Body)
	ts.Check(err)
	return string(out)
}
