package session

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

//go:embed bootstrap/windows.ps1
var windowsBootstrap string

//go:embed bootstrap/linux.sh
var linuxBootstrap string

// A Bootstrap is what makes machines take jobs from a bucket: a script for their base image, and the least that their
// role, the role that runs imagebuild, and everybody else may do with the bucket.
type Bootstrap struct {
	Partition, Account, Region string
	// Bucket and Prefix are those of the communicator's settings.
	Bucket, Prefix string
	// Key is where the machines read the key of the jobs: "ssm:/path", "secretsmanager:NAME" or "secretsmanager:NAME#member".
	Key string
	// Machines and Runner are the ARNs of the two roles; "" for a role that is named later.
	Machines, Runner string
	Windows          bool
}

// Script is the program for the base image: PowerShell for Windows, bash for Linux.
func (b Bootstrap) Script() string {
	text, quote := windowsBootstrap, psQuote
	if !b.Windows {
		text, quote = linuxBootstrap, strconv.QuoteToASCII // Python's strings are written alike
	}
	return strings.NewReplacer(
		"{{bucket}}", quote(b.Bucket), "{{prefix}}", quote(b.prefix()), "{{region}}", quote(b.Region), "{{key}}", quote(b.Key),
	).Replace(text)
}

// ScriptName is what the script's file is called.
func (b Bootstrap) ScriptName() string {
	if b.Windows {
		return "bootstrap.ps1"
	}
	return "bootstrap.sh"
}

// prefix is the prefix as it stands in front of a key.
func (b Bootstrap) prefix() string {
	if b.Prefix == "" {
		return ""
	}
	return strings.Trim(b.Prefix, "/") + "/"
}

// A statement is one of a policy.
type statement struct {
	Sid       string
	Effect    string
	Principal any `json:",omitempty"`
	Action    any
	Resource  any
	Condition any `json:",omitempty"`
}

func policy(statements ...statement) string {
	raw, err := json.MarshalIndent(map[string]any{"Version": "2012-10-17", "Statement": statements}, "", "  ")
	if err != nil {
		panic("session: a policy is plain data: " + err.Error())
	}
	return string(raw) + "\n"
}

func (b Bootstrap) objects(prefixes ...string) []string {
	var out []string
	for _, p := range prefixes {
		out = append(out, b.bucket()+"/"+b.prefix()+p+"/*")
	}
	return out
}

func (b Bootstrap) bucket() string { return "arn:" + b.Partition + ":s3:::" + b.Bucket }

// MachinePolicy is for the role of the machines. They fetch files by URLs that are signed for them, and may not even list.
func (b Bootstrap) MachinePolicy() string {
	return policy(
		statement{Sid: "ReadJobs", Effect: "Allow", Action: "s3:GetObject", Resource: b.objects("jobs")},
		statement{Sid: "WriteResults", Effect: "Allow", Action: "s3:PutObject", Resource: b.objects("results")},
		b.readKey(),
	)
}

// readKey lets the machines read the key of the jobs.
func (b Bootstrap) readKey() statement {
	if name, ok := strings.CutPrefix(b.Key, "ssm:"); ok {
		return statement{Sid: "ReadKey", Effect: "Allow", Action: "ssm:GetParameter", Resource: fmt.Sprintf("arn:%s:ssm:%s:%s:parameter/%s", b.Partition, b.Region, b.Account, strings.TrimPrefix(name, "/"))}
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(b.Key, "secretsmanager:"), "#")
	if !strings.HasPrefix(name, "arn:") {
		// Secrets Manager appends six characters to a secret's name.
		name = fmt.Sprintf("arn:%s:secretsmanager:%s:%s:secret:%s-??????", b.Partition, b.Region, b.Account, name)
	}
	return statement{Sid: "ReadKey", Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: name}
}

// RunnerPolicy is for the role that runs imagebuild: the reverse of the machines'. It may list, so that an object that
// is not there yet is told from one that may not be read.
func (b Bootstrap) RunnerPolicy() string {
	return policy(
		statement{Sid: "WriteJobs", Effect: "Allow", Action: "s3:PutObject", Resource: b.objects("jobs", "files")},
		statement{Sid: "ReadResults", Effect: "Allow", Action: "s3:GetObject", Resource: b.objects("results", "files")},
		statement{Sid: "SeeWhatIsThere", Effect: "Allow", Action: "s3:ListBucket", Resource: b.bucket(), Condition: map[string]any{
			"StringLike": map[string]any{"s3:prefix": []string{b.prefix() + "results/*", b.prefix() + "files/*"}},
		}},
		b.readKey(),
	)
}

// BucketPolicy keeps everybody but the two roles away from what they say to each other, and each of them from the
// other's half. Whoever can write jobs and knows the key owns the machines.
func (b Bootstrap) BucketPolicy() string {
	runner, machines := role(b.Runner, "RUNNER-ROLE-ARN"), role(b.Machines, "MACHINE-ROLE-ARN")
	only := func(sid string, action any, resource []string, who ...string) statement {
		return statement{
			Sid: sid, Effect: "Deny", Principal: "*", Action: action, Resource: resource,
			// A role's sessions carry its own ARN in aws:PrincipalArn.
			Condition: map[string]any{"ArnNotEquals": map[string]any{"aws:PrincipalArn": who}},
		}
	}
	return policy(
		statement{
			Sid: "EncryptedOnly", Effect: "Deny", Principal: "*", Action: "s3:*", Resource: []string{b.bucket(), b.bucket() + "/*"},
			Condition: map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
		},
		only("JobsAreTheRunners", []string{"s3:PutObject", "s3:DeleteObject"}, b.objects("jobs", "files"), runner),
		only("ResultsAreTheMachines", []string{"s3:PutObject", "s3:DeleteObject"}, b.objects("results"), machines),
		only("JobsAreReadByMachines", "s3:GetObject", b.objects("jobs"), machines),
		only("FilesAndResultsAreReadByTheRunner", "s3:GetObject", b.objects("files", "results"), runner), // and by who holds a URL that it signed
	)
}

func role(arn, otherwise string) string {
	if arn == "" {
		return otherwise
	}
	return arn
}
