package session

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed bootstrap/windows.ps1
var windowsBootstrap string

//go:embed bootstrap/linux.sh
var linuxBootstrap string

// A Bootstrap is what makes machines take jobs from a bucket: a script for their base image. What roles need for it is
// in internal/permissions.
type Bootstrap struct {
	Region string
	// Bucket and Prefix are those of the communicator's settings.
	Bucket, Prefix string
	// Key is where the machines read the key of the jobs: "ssm:/path", "secretsmanager:NAME" or "secretsmanager:NAME#member".
	Key     string
	Windows bool
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
