package component_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/component"
)

// A moduleCase is one use of a module: steps before it, the step itself, and what it must come to.
type moduleCase struct {
	action string
	before string // a script
	inputs string // flow YAML; "" for none
	status component.Status
	output string // of the first operation, "key=value"
	after  string // a script that must succeed
}

// moduleCases are the examples of the AWSTOE guide's chapter on action modules, in its order, with
// what the guide says of failures. $WEB stands for a web server's address.
func moduleCases() []moduleCase {
	const ok, failed, none = component.Success, component.Failed, component.Unsupported
	return []moduleCase{
		{"Assert", "", "{numberGreaterThanEquals: 2, value: '3'}", ok, "", ""},
		{"Assert", "", "{numberGreaterThanEquals: 2, value: '1'}", failed, "", ""},
		{"Assert", "", "{and: [{fileExists: /etc/passwd}, {not: {folderExists: /no/such}}]}", ok, "", ""},
		{"ExecuteBash", "", "{commands: ['set -eu', 'x=1', 'echo $x$((x+1))']}", ok, "stdout=12", ""},
		{"ExecuteBash", "", "{commands: ['false', 'echo last']}", ok, "stdout=last", ""},
		{"ExecuteBash", "", "{commands: ['echo $WORKING_DIRECTORY; pwd']}", ok, "stdout=/tmp\n/tmp", ""},
		{"ExecuteBinary", "", "{path: /usr/bin/test, arguments: ['-d', /etc]}", ok, "stdout=", ""},
		{"ExecuteBinary", "", "{path: /bin/echo, arguments: ['$HOME', 'a b']}", ok, "stdout=$HOME a b", ""},
		{"ExecuteBinary", "", "{path: /usr/bin/test, arguments: ['-f', /etc]}", failed, "stdout=", ""},
		{"ExecuteDocument", "printf 'schemaVersion: 1.0\\nparameters:\\n- Level: {type: string}\\nphases:\\n- name: build\\n  steps:\\n  - {name: s, action: ExecuteBash, inputs: {commands: [\"echo {%s Level }} > /srv/level\"]}}\\n' '{' > /tmp/sub.yaml", "{document: sub.yaml, phases: build, parameters: [{name: Level, value: high}]}", ok, "executedStepCount=1", "grep high /srv/level"},
		{"ExecutePowerShell", "rm -f /usr/bin/pwsh", "{commands: [\"$ErrorActionPreference='Stop'\", 'Write-Host hi']}", none, "", ""},
		{"ExecutePowerShell", "printf '#!/bin/sh\\nshift 3; cat $1; exit 0\\n' > /usr/local/bin/pwsh; chmod +x /usr/local/bin/pwsh", "{commands: ['Write-Host hi']}", ok, "stdout=Write-Host hi", ""},
		{"S3Download", "", "[{source: 's3://bkt/a.tgz', destination: /var/tmp/a.tgz}]", ok, "", "grep object /var/tmp/a.tgz"},
		{"S3Download", "touch /var/tmp/b", "[{source: 's3://bkt/a.tgz', destination: /var/tmp/b, overwrite: false}]", failed, "", "[ ! -s /var/tmp/b ]"},
		{"S3Upload", "mkdir -p /var/log/app; echo x > /var/log/app/x", "[{source: '/var/log/app/*', destination: 's3://bkt/logs/', recurse: true}]", ok, "", ""},
		{"WebDownload", "", "[{source: '$WEB/t.tgz', destination: /opt/dl/, checksum: 'a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447', algorithm: SHA256}]", failed, "", ""},
		{"WebDownload", "", "[{source: '$WEB/t.tgz', destination: /opt/dl/}]", ok, "destination=/opt/dl/t.tgz", "grep object /opt/dl/t.tgz"},
		{"AppendFile", "printf 'x=1\\n' > /etc/app.conf", "[{path: /etc/app.conf, content: \"y=2\\n\"}]", ok, "", "[ $(wc -l < /etc/app.conf) = 2 ]"},
		{"AppendFile", "", "[{path: /etc/none.conf, content: y}]", failed, "", "[ ! -e /etc/none.conf ]"},
		{"CreateFile", "", "[{path: /etc/new/app.conf, content: \"x=1\\n\", permissions: '0640', owner: root}]", ok, "", "[ $(stat -c %a /etc/new/app.conf) = 640 ]"},
		{"CreateFile", "touch /etc/there", "[{path: /etc/there, content: x, overwrite: false}]", failed, "", "[ ! -s /etc/there ]"},
		{"CopyFile", "echo 1 > /etc/app.conf", "[{source: '/etc/app*', destination: /var/backup/}]", ok, "", "[ -f /var/backup/app.conf ]"},
		{"CopyFile", "", "[{source: /etc/none, destination: /var/backup/}]", failed, "", ""},
		{"MoveFile", "mkdir -p /var/backup; echo 1 > /var/backup/app.conf", "[{source: /var/backup/app.conf, destination: /srv/app.conf, overwrite: false}]", ok, "", "[ -f /srv/app.conf ] && [ ! -e /var/backup/app.conf ]"},
		{"CreateFolder", "", "[{path: /srv/data/deep, permissions: '0750'}]", ok, "", "[ $(stat -c %a /srv/data/deep) = 750 ]"},
		{"CreateFolder", "mkdir -p /srv/there", "[{path: /srv/there, overwrite: false}]", failed, "", ""},
		{"CopyFolder", "mkdir -p /srv/data/in; touch /srv/data/in/f", "[{source: /srv/data, destination: /srv/data2}]", ok, "", "[ -f /srv/data2/in/f ]"},
		{"MoveFolder", "mkdir -p /srv/data2; touch /srv/data2/f", "[{source: /srv/data2, destination: /srv/old/}]", ok, "", "[ -f /srv/old/data2/f ] && [ ! -e /srv/data2 ]"},
		{"CreateSymlink", "touch /srv/app; ln -s /etc /usr/bin/app", "[{path: /usr/bin/app, target: /srv/app, force: true}]", ok, "", "[ $(readlink /usr/bin/app) = /srv/app ]"},
		{"CreateSymlink", "touch /srv/app; ln -s /etc /usr/bin/app", "[{path: /usr/bin/app, target: /srv/app}]", failed, "", "[ $(readlink /usr/bin/app) = /etc ]"},
		{"CreateSymlink", "", "[{path: /usr/bin/app, target: /no/such}]", failed, "", ""},
		{"ListFiles", "mkdir -p /srv/l/m; touch /srv/l/a.conf /srv/l/m/b.conf /srv/l/c", "[{path: /srv/l, fileNamePattern: '*.conf', recursive: true}]", ok, "files=/srv/l/a.conf,/srv/l/m/b.conf", ""},
		{"ListFiles", "", "[{path: /no/such}]", failed, "", ""},
		{"ReadFile", "printf 'text\\n' > /srv/app.conf", "[{path: /srv/app.conf, printFileContent: true}]", ok, "content=text\n", ""},
		{"ReadFile", "", "[{path: /no/such}]", failed, "", ""},
		{"SetFileEncoding", "printf a > /srv/enc", "[{path: /srv/enc, encoding: utf-16-LE}]", ok, "", "[ $(stat -c %s /srv/enc) = 2 ]"},
		{"SetFileOwner", "touch /srv/own", "[{path: /srv/own, owner: nobody}]", ok, "", "[ $(stat -c %U /srv/own) = nobody ]"},
		{"SetFileOwner", "touch /srv/own", "[{path: /srv/own, owner: nobody-there}]", failed, "", ""},
		{"SetFolderOwner", "mkdir /srv/fo; touch /srv/fo/f", "[{path: /srv/fo, owner: nobody, recursive: false}]", ok, "", "[ $(stat -c %U /srv/fo/f) = root ]"},
		{"SetFolderOwner", "mkdir /srv/fo; touch /srv/fo/f", "[{path: /srv/fo, owner: nobody}]", ok, "", "[ $(stat -c %U /srv/fo/f) = nobody ]"},
		{"SetFilePermissions", "touch /srv/p", "[{path: /srv/p, permissions: '0600'}]", ok, "", "[ $(stat -c %a /srv/p) = 600 ]"},
		{"SetFilePermissions", "", "[{path: /no/such, permissions: '0600'}]", failed, "", ""},
		{"SetFolderPermissions", "mkdir /srv/fp; touch /srv/fp/f; chmod 600 /srv/fp/f", "[{path: /srv/fp, permissions: '0755', recursive: false}]", ok, "", "[ $(stat -c %a /srv/fp/f) = 600 ]"},
		{"DeleteFile", "mkdir /tmp/stage; touch /tmp/stage/a.tmp /tmp/stage/b", "[{path: '/tmp/stage/*.tmp'}]", ok, "", "[ $(ls /tmp/stage) = b ]"},
		{"DeleteFolder", "mkdir /tmp/stage; touch /tmp/stage/a", "[{path: /tmp/stage}]", failed, "", "[ -e /tmp/stage/a ]"},
		{"DeleteFolder", "mkdir /tmp/stage; touch /tmp/stage/a", "[{path: /tmp/stage, force: true}]", ok, "", "[ ! -e /tmp/stage ]"},
		{"DeleteFolder", "touch /tmp/file", "[{path: /tmp/file, force: true}]", ok, "", "[ ! -e /tmp/file ]"},
		{"InstallMSI", "", "{path: 'C:\\pkg\\a.msi', reboot: Skip}", none, "", ""},
		{"UninstallMSI", "", "{path: 'C:\\pkg\\a.msi', logFile: 'C:\\pkg\\rm.log'}", none, "", ""},
		{"Reboot", "", "{delaySeconds: 5}", ok, "", ""},
		{"Reboot", "", "", ok, "", ""},
		{"SetRegistry", "", "[{path: 'HKLM:\\SOFTWARE\\Tool', name: Level, value: 3, type: DWORD}]", none, "", ""},
		{"UpdateOS", "printf '#!/bin/sh\\necho \"$@\" > /srv/asked\\n' > /usr/local/sbin/yum; chmod +x /usr/local/sbin/yum", "{exclude: [kernel]}", ok, "", "grep -- --exclude=kernel /srv/asked"},
	}
}

// TestModules runs every module as the guide shows it, each case as a document of its own.
func TestModules(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: files are given away")
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprintln(w, "object")
		}
	}))
	t.Cleanup(web.Close)
	root := openRoot(t, component.RootSpec{Kind: component.RootOverlay})
	seen := map[string]bool{}
	for _, c := range moduleCases() {
		seen[c.action] = true
		t.Run(c.action, func(t *testing.T) {
			t.Parallel()
			list := []string{}
			if c.before != "" {
				list = append(list, "{name: before, action: ExecuteBash, inputs: {commands: ["+quote(c.before)+"]}}")
			}
			inputs := ""
			if c.inputs != "" {
				inputs = ", inputs: " + strings.ReplaceAll(c.inputs, "$WEB", web.URL)
			}
			list = append(list, "{name: it, action: "+c.action+", onFailure: Continue"+inputs+"}")
			if c.after != "" {
				list = append(list, "{name: after, action: ExecuteBash, inputs: {commands: ["+quote(c.after)+"]}}")
			}
			o := runJob(t, root, component.Job{S3Endpoint: web.URL, Documents: []component.JobDocument{steps(list...)}})
			i := slices.IndexFunc(o.Steps, func(s component.StepResult) bool { return s.Name == "it" })
			if i < 0 || o.Steps[i].Status != c.status {
				t.Fatalf("it came to %s\n%s", summary(o.Result), strings.Join(o.log, "\n"))
			}
			if key, want, has := strings.Cut(c.output, "="); has && (len(o.Steps[i].Outputs) == 0 || o.Steps[i].Outputs[0][key] != want) {
				t.Errorf("the outputs are %q", o.Steps[i].Outputs)
			}
			if c.after != "" && o.Steps[len(o.Steps)-1].Status != component.Success {
				t.Errorf("afterwards: %s", summary(o.Result))
			}
		})
	}
	for _, name := range component.ModuleNames() {
		if !seen[name] {
			t.Errorf("the module %s has no case", name)
		}
	}
}

// quote makes a script a double-quoted YAML scalar.
func quote(s string) string { return fmt.Sprintf("%q", s) }
