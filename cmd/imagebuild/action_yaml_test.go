package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// actionFile is action.yml as GitHub reads it.
type actionFile struct {
	Name, Description, Author string
	Branding                  struct{ Icon, Color string }
	Inputs                    map[string]struct {
		Description, Default string
		Required             bool
	}
	Outputs map[string]struct{ Description string }
	Runs    struct {
		Using, Image, Entrypoint string
		PostEntrypoint           string   `yaml:"post-entrypoint"`
		PostIf                   string   `yaml:"post-if"`
		Args                     []string `yaml:"args"`
	}
}

// between is the part of a page between two marks, and what stands before and behind it.
func between(t *testing.T, page, from, to string) (before, part, behind string) {
	t.Helper()
	i := strings.Index(page, from)
	if i < 0 {
		t.Fatalf("there is no %q", from)
	}
	i += len(from)
	j := strings.Index(page[i:], to)
	if j < 0 {
		t.Fatalf("there is no %q", to)
	}
	return page[:i], page[i : i+j], page[i+j:]
}

// compareSection holds a part of a file to what the tables say of it.
func compareSection(t *testing.T, file, from, to, want string) {
	t.Helper()
	path := filepath.Join(filepath.Dir(examplesDir(t)), file)
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, got, behind := between(t, string(src), from, to)
	if got == want {
		return
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+want+behind), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is not what the tables say; go test ./cmd/imagebuild -run TestAction -update writes it.\ngot:\n%s\nwant:\n%s", file, got, want)
}

// TestActionFile holds action.yml to the tables of inputs and outputs.
func TestActionFile(t *testing.T) {
	var b bytes.Buffer
	for _, i := range actionInputs {
		fmt.Fprintf(&b, "  %s:\n    description: %q\n", i.Name, i.described())
		if i.Required && i.Default == "" {
			b.WriteString("    required: true\n")
		}
		if i.Default != "" {
			fmt.Fprintf(&b, "    default: %q\n", i.Default)
		}
	}
	compareSection(t, "action.yml", "\ninputs:\n", "\noutputs:\n", b.String())
	b.Reset()
	for _, o := range actionOutputs {
		for _, name := range spellings(o.Name) {
			fmt.Fprintf(&b, "  %s:\n    description: %q\n", name, o.Help)
		}
	}
	compareSection(t, "action.yml", "\noutputs:\n", "\nruns:\n", b.String())

	src, err := os.ReadFile(filepath.Join(filepath.Dir(examplesDir(t)), "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var f actionFile
	d := yaml.NewDecoder(bytes.NewReader(src))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		t.Fatal(err)
	}
	if f.Runs.Using != "docker" || f.Runs.Entrypoint != "/"+actionName || f.Runs.PostEntrypoint != "/"+actionPostName || f.Runs.PostIf != "always()" {
		t.Errorf("runs: %+v", f.Runs)
	}
	if f.Runs.Args == nil || len(f.Runs.Args) > 0 {
		t.Error("args is not pinned to nothing: a workflow could hand over some")
	}
	if f.Runs.Image != "Dockerfile" && !strings.HasPrefix(f.Runs.Image, "docker://") {
		t.Errorf("image: %s", f.Runs.Image)
	}
	if f.Name == "" || f.Description == "" || f.Branding.Icon == "" || f.Branding.Color == "" {
		t.Error("the Marketplace wants name, description and branding")
	}
	if len(f.Inputs) != len(actionInputs) {
		t.Errorf("%d inputs, and the table has %d", len(f.Inputs), len(actionInputs))
	}
}

// described is what an input is, with the values that it takes.
func (i actionInput) described() string {
	out := i.Help
	if i.Kind == inputChoice {
		out += " One of " + strings.Join(i.Choices, ", ") + "."
	}
	return out
}

// TestActionTables holds docs/action.md to the tables, and the README to the names.
func TestActionTables(t *testing.T) {
	cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
	var b bytes.Buffer
	b.WriteString("\n| input | kind | default | meaning |\n|---|---|---|---|\n")
	for _, i := range actionInputs {
		fallback := ""
		if i.Default != "" {
			fallback = "`" + i.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", i.Name, i.Kind, fallback, cell(i.described()))
	}
	compareSection(t, "docs/action.md", "<!-- inputs -->", "<!-- end -->", b.String())
	b.Reset()
	b.WriteString("\n| output | also as | value |\n|---|---|---|\n")
	for _, o := range actionOutputs {
		also := ""
		if s := spellings(o.Name); len(s) > 1 {
			also = "`" + s[1] + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", o.Name, also, cell(o.Help))
	}
	compareSection(t, "docs/action.md", "<!-- outputs -->", "<!-- end -->", b.String())

	readme, err := os.ReadFile(filepath.Join(filepath.Dir(examplesDir(t)), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := between(t, string(readme), "## GitHub Action\n", "\n## ")
	for _, i := range actionInputs {
		if !strings.Contains(section, "`"+i.Name+"`") {
			t.Errorf("the README does not name the input %s", i.Name)
		}
	}
	for _, o := range actionOutputs {
		if !strings.Contains(section, "`"+o.Name+"`") {
			t.Errorf("the README does not name the output %s", o.Name)
		}
	}
}

// TestActionFlags holds the table to the commands: a flag that it names exists where the input is for.
func TestActionFlags(t *testing.T) {
	root := newProgram().command()
	for _, i := range actionInputs {
		if i.Flag == "" {
			continue
		}
		commands := i.For
		if len(commands) == 0 {
			commands = actionCommands
		}
		found := false
		for _, name := range commands {
			c, _, err := root.Find([]string{name})
			found = found || err == nil && c.Flags().Lookup(i.Flag) != nil
		}
		if !found {
			t.Errorf("input %s: no command has the flag --%s", i.Name, i.Flag)
		}
	}
	for _, name := range actionCommands {
		if name == "report" {
			continue
		}
		if c, _, err := root.Find([]string{name}); err != nil || c == root {
			t.Errorf("there is no command %s", name)
		}
	}
}

func TestReadInputs(t *testing.T) {
	for name, tt := range map[string]struct {
		env     []string
		want    string // of an input, "name=value"
		unknown string
		mistake string
	}{
		"hyphens stay":        {[]string{"INPUT_ROLE-TO-ASSUME= arn "}, "role-to-assume=arn", "", ""},
		"defaults":            {nil, "command=plan", "", ""},
		"empty is not given":  {[]string{"INPUT_COMMAND="}, "command=plan", "", ""},
		"yaml's true":         {[]string{"INPUT_SANDBOX=True"}, "sandbox=true", "", ""},
		"no other true":       {[]string{"INPUT_SANDBOX=yes"}, "", "", `input sandbox: "yes" is no boolean`},
		"seconds":             {[]string{"INPUT_ROLE-DURATION=3600"}, "role-duration=3600s", "", ""},
		"no duration":         {[]string{"INPUT_ROLE-DURATION=soon"}, "", "", "is no duration"},
		"a negative number":   {[]string{"INPUT_PARALLEL=-1"}, "", "", "is no whole number"},
		"no choice":           {[]string{"INPUT_COMMAND=apply"}, "", "", `there is no "apply"`},
		"unknown":             {[]string{"INPUT_ROLE=x"}, "", "role", ""},
		"the runner's own":    {[]string{"INPUT_ARGS=x", "INPUT_ENTRYPOINT=y"}, "command=plan", "", ""},
		"variables":           {[]string{"INPUT_VARS=a=b=c\r\n\n b-2= x"}, "vars=a=b=c\r\n\n b-2= x", "", ""},
		"a secret of lines":   {[]string{"INPUT_VARS=key=-----BEGIN\nMIIB\nMIIC=="}, "", "", "input vars: line 2 is not name=value"},
		"expressions' values": {[]string{"INPUT_MATRIX={}"}, "matrix={}", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			in, unknown, err := readInputs(tt.env)
			if tt.mistake == "" && err != nil || tt.mistake != "" && (err == nil || !strings.Contains(err.Error(), tt.mistake)) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "MII") {
				t.Errorf("it shows a part of what may be a secret: %v", err)
			}
			if n, v, ok := strings.Cut(tt.want, "="); ok && in[n] != v {
				t.Errorf("%s is %q", n, in[n])
			}
			if got := strings.Join(unknown, " "); got != tt.unknown {
				t.Errorf("unknown: %q", got)
			}
		})
	}
}

func TestNoLogLinesIsNone(t *testing.T) {
	for given, kept := range map[string]int{"": 0, "0": -1, "40": 40} {
		if got := (givenInputs{"log-lines": given}).logLines(); got != kept {
			t.Errorf("log-lines %q keeps %d lines, not %d", given, got, kept)
		}
	}
}

func TestOutputsAreTyped(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		ok          bool
	}{
		{"changed", "true", true},
		{"changed", "true\nami-ids=evil", false},
		{"plan-digest", "sha256:" + strings.Repeat("0", 64), true},
		{"plan-digest", "sha256:0", false},
		{"images", `{"web":{}}`, true},
		{"images", `{"web":`, false},
		{"plan-json", `"` + strings.Repeat("x", maxOutput) + `"`, false},
		{"comment-url", "https://github.com/o/r/pull/1#issuecomment-2", true},
		{"comment-url", "javascript:alert(1)", false},
		{"report", ".imagebuild/report-0.json", true},
		{"report", "a b", false},
		{"ami", "x", false},
	} {
		v := outputValues{}
		if err := v.set(tt.name, tt.value); (err == nil) != tt.ok {
			t.Errorf("%s=%.40q: %v", tt.name, tt.value, err)
		}
	}
}
