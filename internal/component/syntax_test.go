package component_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/internal/component"
)

// TestBashProblem holds which scripts are refused, and where.
func TestBashProblem(t *testing.T) {
	for script, want := range map[string]struct{ command, line int }{
		"if true; then\x00echo x":           {0, 0},
		"true\x00true\necho 'x\ntrue":       {1, 1},
		"true\x00fi":                        {1, 0},
		"for i in a b; do\necho $i":         {0, 0},
		"echo ok\x00echo $(ls":              {1, 0},
		"echo {{ Name }} (":                 {0, 0},
		"case x in\n a) true\nesac esac\n}": {0, 2},
	} {
		p := component.BashProblem(strings.Split(script, "\x00"))
		if p == nil || p.Command != want.command || p.Line != want.line || p.Text == "" {
			t.Errorf("%q: got %+v, want %+v", script, p, want)
		}
	}
	for _, script := range []string{
		"dnf -y install httpd", "set -eu\x00if [ -e /x ]; then\x00  true\x00fi", "if {{ Check }}; then true; fi", "x={{ A }}{{ B }}; echo $((x + {{ N }}))",
		"for i in {{ build.S.outputs.stdout }}; do echo $i; done", "docker ps --format '{{.Names}}'", "cat <<EOF\n{{ X }} ( unbalanced\nEOF",
		"exit 0\x00__ARCHIVE__ ((( '", "exec \"$SHELL\" -l\x00)", "shopt -s extglob\x00rm !(a|b)", "[[ $a =~ ^(x|y)$ ]] && echo \"${a^^}\"",
		"declare -A m=([a]=1 [b]=2)\x00echo ${m[a]}", "diff <(ls a) <(ls b)", "function f-g { true; }; f-g", "coproc cat; wait", "echo {1..3} ${x:1:2} ${!y} $'a\\'b'",
		"((i++)) || true\x00let i=1", "select x in a b; do break; done </dev/null", "trap 'echo bye' EXIT", "", "echo ä 'ö'", "time ls | wc", "a[1]=2; echo ${#a[@]}", "case $1 in (a) ;;& b) ;; esac",
		"while read -r l; do echo \"$l\"; done < <(ls)", "export A=\"$(printf '%s' \"${B:-x}\")\"", "awk '{ print $1 }' f | sed -e 's/a/b/'", "x=`echo \\`date\\``", "echo \"{{ X }}\" 'it'\"'\"'s'",
	} {
		if p := component.BashProblem(strings.Split(script, "\x00")); p != nil {
			t.Errorf("%q is good, and got %+v", script, p)
		}
	}
}

// TestCheckScripts holds that a finding points at the line of the YAML.
func TestCheckScripts(t *testing.T) {
	src := `schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Block
        action: ExecuteBash
        inputs:
          commands:
            - echo fine
            - |
              set -eu

              echo {{ loop.value }} $(ls
      - name: Plain
        action: ExecuteBash
        inputs:
          commands: [ "true", "done" ]
`
	doc, diags := component.Parse([]byte(src), "x.yml")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var got []string
	for _, d := range doc.CheckScripts([]byte(src)) {
		got = append(got, d.Subject.String()+" "+src[d.Subject.Start.Byte:d.Subject.End.Byte])
		if d.Severity != hcl.DiagError || !strings.Contains(d.Detail, "in phase 'build'") {
			t.Errorf("the finding is %v", d)
		}
	}
	want := []string{"x.yml:13,15-41 echo {{ loop.value }} $(ls", "x.yml:17,31-37 \"done\""}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found are\n%s", strings.Join(got, "\n"))
	}
	if diags := doc.CheckScripts(nil); len(diags) != 2 {
		t.Errorf("without the source %d were found", len(diags))
	}
}

// TestLint holds what is warned of, and of what not.
func TestLint(t *testing.T) {
	for script, want := range map[string]string{
		"yum update":                               "Package manager that asks",
		"sudo dnf install httpd":                   "Package manager that asks",
		"if true; then\n  yum -q install a\nfi":    "Package manager that asks",
		"apt-get install nginx":                    "Package manager that asks, Packages may ask",
		"apt-get -y install nginx\napt -y upgrade": "Packages may ask",
		"zypper install a":                         "Package manager that asks",
		"echo $DB_PASSWORD":                        "Secret in the log",
		"printf '%s' \"token ${GITHUB_TOKEN}\"":    "Secret in the log",
		"echo {{ DbPassword }}":                    "Secret in the log",
		"echo \"$MY_SECRET\" >&2":                  "Secret in the log",
		"reboot":                                   "Restart that AWSTOE does not know of",
		"sudo shutdown -r now":                     "Restart that AWSTOE does not know of",
		"systemctl reboot":                         "Restart that AWSTOE does not know of",
		"init 6":                                   "Restart that AWSTOE does not know of",
		"read -p 'go on? ' answer":                 "Interactive command",
		"passwd root":                              "Interactive command",
		"vim /etc/hosts":                           "Interactive command",
		"yum -y update; dnf install -y a; dnf -qy install b; yum list installed; yum --assumeyes remove x":                "",
		"export DEBIAN_FRONTEND=noninteractive\napt-get update\napt-get install -qq -y nginx\napt-get --yes remove nginx": "",
		"DEBIAN_FRONTEND=noninteractive apt-get -y install x":                                                             "",
		"echo \"$DB_PASSWORD\" | passwd --stdin app; echo \"$TOKEN\" > /etc/token; x=$(echo $SECRET)":                     "",
		"echo ${#PASSWORD}; echo 'PASSWORD'; echo done":                                                                   "",
		"while read -r l; do echo \"$l\"; done < /etc/hosts; ls | while read f; do :; done; read x <<< y":                 "",
		"systemctl restart nginx; shutdown -c; echo reboot; init 3":                                                       "",
		"echo (": "",
	} {
		d := &component.Document{Phases: []component.Phase{{Name: "build", Steps: []component.Step{{Name: "s", Action: "ExecuteBash", Inputs: component.Inputs{{"commands": strings.Split(script, "\n")}}}}}}}
		if got := summaries(component.Lint(d, nil, component.Linux)); got != want {
			t.Errorf("%q: got %q, want %q", script, got, want)
		}
	}
	for script, want := range map[string]string{
		"sudo choco install git":            "No sudo on Windows",
		"Restart-Computer -Force":           "Restart that AWSTOE does not know of",
		"Read-Host 'name'":                  "Interactive command",
		"Write-Host \"pw $env:PASSWORD\"":   "Secret in the log",
		"Write-Output {{ ApiKey }}":         "Secret in the log",
		"Write-Host 'no secret: a token'":   "",
		"Install-WindowsFeature Web-Server": "",
	} {
		d := &component.Document{Phases: []component.Phase{{Name: "build", Steps: []component.Step{{Name: "s", Action: "ExecutePowerShell", Inputs: component.Inputs{{"commands": []string{script}}}}}}}}
		if got := summaries(component.Lint(d, nil, component.Windows)); got != want {
			t.Errorf("%q: got %q, want %q", script, got, want)
		}
	}
}

// TestLintLines holds that a warning points at its line.
func TestLintLines(t *testing.T) {
	src := "schemaVersion: 1.0\nphases:\n- name: build\n  steps:\n  - name: s\n    action: ExecuteBash\n    inputs:\n      commands:\n      - |\n        true\n        yum update\n"
	doc, diags := component.Parse([]byte(src), "x.yml")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	found := component.Lint(doc, []byte(src), component.Linux)
	if len(found) != 1 || found[0].Subject.String() != "x.yml:11,9-19" || found[0].Severity != hcl.DiagWarning {
		t.Errorf("found are %v", found)
	}
}

func summaries(diags hcl.Diagnostics) string {
	out := make([]string, len(diags))
	for i, d := range diags {
		out[i] = d.Summary
	}
	return strings.Join(out, ", ")
}

func FuzzBash(f *testing.F) {
	for _, s := range []string{"echo x", "if {{ X }}; then", "cat <<E\n$(\nE", "\x00$'", "a\\\n(", "{{ A }}{{", "yum update\napt install x", "echo $PASSWORD | read", "$((1+", "exit\n("} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		commands := strings.Split(script, "\x01")
		if p := component.BashProblem(commands); p != nil {
			if p.Command >= len(commands) || p.Line > strings.Count(commands[p.Command], "\n") {
				t.Fatalf("%q has a problem at %+v, which is not there", script, p)
			}
		}
		d := &component.Document{Phases: []component.Phase{{Name: "b", Steps: []component.Step{
			{Name: "s", Action: "ExecuteBash", Inputs: component.Inputs{{"commands": commands}}},
			{Name: "p", Action: "ExecutePowerShell", Inputs: component.Inputs{{"commands": commands}}},
		}}}}
		for _, found := range component.Lint(d, nil, "") {
			if found.Subject == nil || found.Detail == "" {
				t.Fatalf("%q: a warning without a place: %v", script, found)
			}
		}
	})
}

// BenchmarkBashProblem is the cost of one script of a plan: an ordinary one, and one that is parsed.
func BenchmarkBashProblem(b *testing.B) {
	for name, commands := range map[string][]string{
		"words":  {"dnf -y install httpd php", "systemctl enable httpd", "mkdir -p /var/www/html"},
		"parsed": {"set -eu", "if [ -e /etc/os-release ]; then . /etc/os-release; fi", "echo \"$ID\" | tee /etc/id"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if component.BashProblem(commands) != nil {
					b.Fatal("a problem")
				}
			}
		})
	}
}
