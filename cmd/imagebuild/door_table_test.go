package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// The verdicts. What the language and its kinds read is found by trying every function and every argument that there is
// with the name of a file of a foreign checkout: one that reads it and is not here fails the test, and so does one that
// is here and reads nothing.
const judged = "judged by the checkout that the file lies in"

var functionVerdicts = map[string]string{
	"file": judged, "filebase64": judged, "fileexists": judged, "fileset": judged, "templatefile": judged,
}

var argumentVerdicts = map[string]string{
	"appstream_image_builder.provisioner/ansible.playbook_file":  judged,
	"appstream_image_builder.provisioner/ansible.playbook_files": judged,
	"appstream_image_builder.provisioner/powershell.script":      judged,
	"appstream_image_builder.provisioner/powershell.scripts":     judged,
	"appstream_image_builder.provisioner/windows-shell.script":   judged,
	"appstream_image_builder.provisioner/windows-shell.scripts":  judged,
	"provisioner.ansible-local.collections_path":                 judged,
	"provisioner.ansible-local.galaxy_file":                      judged,
	"provisioner.ansible-local.group_vars":                       judged,
	"provisioner.ansible-local.host_vars":                        judged,
	"provisioner.ansible-local.inventory_file":                   judged,
	"provisioner.ansible-local.playbook_dir":                     judged,
	"provisioner.ansible-local.playbook_file":                    judged,
	"provisioner.ansible-local.playbook_files":                   judged,
	"provisioner.ansible-local.playbook_paths":                   judged,
	"provisioner.ansible-local.role_paths":                       judged,
	"provisioner.ansible-local.roles":                            judged,
	"provisioner.ansible-local.roles_path":                       judged,
	"provisioner.ansible.collections_path":                       judged,
	"provisioner.ansible.galaxy_file":                            judged,
	"provisioner.ansible.group_vars":                             judged,
	"provisioner.ansible.host_vars":                              judged,
	"provisioner.ansible.inventory_file":                         judged,
	"provisioner.ansible.playbook_dir":                           judged,
	"provisioner.ansible.playbook_file":                          judged,
	"provisioner.ansible.playbook_files":                         judged,
	"provisioner.ansible.playbook_paths":                         judged,
	"provisioner.ansible.role_paths":                             judged,
	"provisioner.ansible.roles":                                  judged,
	"provisioner.ansible.roles_path":                             judged,
	"provisioner.file.source":                                    judged,
	"provisioner.file.sources":                                   judged,
	"provisioner.powershell.script":                              judged,
	"provisioner.powershell.scripts":                             judged,
	"provisioner.shell.script":                                   judged,
	"provisioner.shell.scripts":                                  judged,
	"provisioner.windows-shell.script":                           judged,
	"provisioner.windows-shell.scripts":                          judged,
	"source.amazon-ebs.user_data_file":                           judged,
	"staged_file.source":                                         judged,
}

// foreign is the file of a foreign checkout that everything is tried with, and foreignDir its directory.
const foreign, foreignDir = "pr/dir/file", "pr/dir"

// A seenFS notes what is read of the foreign checkout.
type seenFS struct {
	fstest.MapFS
	mu   sync.Mutex
	read []string
}

func (s *seenFS) note(name string) {
	if name == "pr" || strings.HasPrefix(name, "pr/") {
		s.mu.Lock()
		s.read = append(s.read, name)
		s.mu.Unlock()
	}
}

func (s *seenFS) Open(name string) (fs.File, error)    { s.note(name); return s.MapFS.Open(name) }
func (s *seenFS) ReadFile(name string) ([]byte, error) { s.note(name); return s.MapFS.ReadFile(name) }

func (s *seenFS) ReadDir(name string) ([]fs.DirEntry, error) {
	s.note(name)
	return s.MapFS.ReadDir(name)
}
func (s *seenFS) Stat(name string) (fs.FileInfo, error) { s.note(name); return s.MapFS.Stat(name) }

var errForeign = errors.New("it is foreign")

// tried loads and compiles a configuration, whose door is shut where guarded. It returns what was read of the foreign
// checkout and what was found wrong.
func tried(config string, guarded bool) (read []string, diags hcl.Diagnostics) {
	seen := &seenFS{MapFS: fstest.MapFS{
		"main.ib.hcl": {Data: []byte(config)}, foreign: {Data: []byte("- hosts: all\n"), Mode: 0o755},
		"own/play.yml": {Data: []byte("- hosts: all\n")}, "own/file": {Data: []byte("echo own\n")},
	}}
	host := dsl.Host{FS: seen, Dir: ".", Cwd: ".", Root: "/repository"}
	if guarded {
		host.FS = newDoor(seen, host.Root, func(directory string) error {
			if rel, _ := filepath.Rel("/repository/pr", directory); rel == "." || filepath.IsLocal(rel) {
				return errForeign
			}
			return nil
		})
	}
	cfg, diags := dsl.Load(host, dsl.Options{Types: kind.BlockTypes(), Version: version, BySource: true})
	graph, more := planner.Compile(cfg, kind.All(), "eu-west-1")
	diags = append(diags, more...)
	if graph != nil {
		diags = append(diags, graph.Seal(nil)...)
	}
	return seen.read, diags
}

// refused reports whether something says that the foreign file is refused.
func refused(diags hcl.Diagnostics) bool {
	return slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
		return d.Severity == hcl.DiagError && strings.Contains(d.Summary+d.Detail, errForeign.Error())
	})
}

// TestEveryFunctionHasAVerdict calls every function of the language with a foreign file's name in each place.
func TestEveryFunctionHasAVerdict(t *testing.T) {
	reads := map[string]bool{}
	for _, f := range dsl.Functions() {
		for _, arguments := range []string{`"` + foreign + `"`, `"` + foreign + `", {}`, `"` + foreignDir + `", "*"`, `"*", "` + foreignDir + `"`, `{}, "` + foreign + `"`, `"x", "` + foreign + `", "x"`} {
			config := fmt.Sprintf("locals {\n  x = %s(%s)\n}\n", f, arguments)
			read, _ := tried(config, false)
			if len(read) == 0 {
				continue
			}
			reads[f] = true
			if read, diags := tried(config, true); len(read) > 0 || !refused(diags) {
				t.Errorf("%s(%s) passes by the door: read %q, said %v", f, arguments, read, diags)
			}
		}
	}
	compareVerdicts(t, functionVerdicts, reads)
}

func compareVerdicts(t *testing.T, verdicts map[string]string, reads map[string]bool) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(reads)) {
		if verdicts[name] == "" {
			t.Errorf("%s reads files and has no verdict", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(verdicts)) {
		if !reads[name] {
			t.Errorf("%s has a verdict and reads nothing that this test could see", name)
		}
	}
}

// needed are arguments that something must be given for the rest of it to be looked at.
var needed = map[string]string{
	"provisioner.ansible":       `playbook_file = "own/play.yml"`,
	"provisioner.ansible-local": `playbook_file = "own/play.yml"`,
}

// TestEveryArgumentHasAVerdict gives every argument of every block a foreign file's name.
func TestEveryArgumentHasAVerdict(t *testing.T) {
	reads := map[string]bool{}
	tries := 0
	try := func(name, config string) {
		tries++
		if read, _ := tried(config, false); len(read) == 0 {
			return
		}
		reads[name] = true
		if read, diags := tried(config, true); len(read) > 0 || !refused(diags) {
			t.Errorf("%s passes by the door: read %q, said %v\n%s", name, read, diags, config)
		}
	}
	for _, typ := range kind.BlockTypes() {
		if typ.Name == "build" {
			for _, platform := range []string{"linux", "windows"} {
				tryBuild(typ, platform, try)
			}
			continue
		}
		schemas := maps.Clone(typ.Variants)
		if schemas == nil {
			schemas = map[string]*dsl.Schema{"": typ.Schema}
		}
		for _, variant := range slices.Sorted(maps.Keys(schemas)) {
			header, name := typ.Name, typ.Name
			if len(typ.Labels) == 2 {
				header, name = header+` "`+variant+`"`, name+"."+variant
			}
			use := ""
			if typ.Name == "source" {
				use = fmt.Sprintf("build {\n  sources = [\"source.%s.x\"]\n  provisioner \"shell\" {\n    inline = [\"true\"]\n  }\n}\n", variant)
			}
			tryBody(name, schemas[variant], func(body string) string { return header + " \"x\" {\n" + body + "}\n" + use }, try)
		}
	}
	t.Logf("%d configurations", tries)
	compareVerdicts(t, argumentVerdicts, reads)
}

// tryBuild tries what a build may hold on a machine of a platform.
func tryBuild(typ dsl.BlockType, platform string, try func(name, config string)) {
	parent := map[string]string{"linux": "aws:amazon-linux-2023-x86", "windows": "aws:windows-server-2022-english-full-base-x86"}[platform]
	machine := map[string]string{
		"imagebuilder": "source \"imagebuilder\" \"x\" {\n  parent_image = \"" + parent + "\"\n  instance_profile_name = \"p\"\n}\n",
		"appstream":    "source \"appstream_image_builder\" \"x\" {\n  instance_type = \"stream.standard.medium\"\n  parent_image = \"AppStream-WinServer2022-06-17-2024\"\n}\n",
	}
	for _, n := range typ.Schema.Blocks {
		variants := maps.Clone(n.Variants)
		if variants == nil {
			variants = map[string]*dsl.Schema{"x": n.Schema}
		}
		for _, label := range slices.Sorted(maps.Keys(variants)) {
			for source, text := range machine {
				header := n.Type
				if len(n.Labels) > 0 {
					header += ` "` + label + `"`
				}
				sources := map[string]string{"imagebuilder": "source.imagebuilder.x", "appstream": "source.appstream_image_builder.x"}[source]
				name := "build." + n.Type + "." + label
				if n.Variants != nil && n.Type != "post-processor" { // all four take the same
					name = "provisioner." + label
				}
				tryBody(name, variants[label], func(body string) string {
					more := needed["provisioner."+label]
					if argument, _, _ := strings.Cut(more, " "); strings.HasPrefix(body, argument) {
						more = ""
					}
					return "imagebuild {\n  staging {\n    bucket = \"b\"\n  }\n}\n" + text + "build {\n  sources = [\"" + sources + "\"]\n" + header + " {\n" + more + "\n" + body + "}\n}\n"
				}, try)
			}
		}
	}
}

// tryBody tries each argument of a body, with those that are required besides.
func tryBody(name string, s *dsl.Schema, around func(body string) string, try func(name, config string)) {
	if s == nil {
		return
	}
	for _, a := range s.Attrs {
		for _, value := range valuesOf(a.Type) {
			try(name+"."+a.Name, around(fmt.Sprintf("%s = %s\n%s", a.Name, value, required(s, a.Name)))) // the argument stands first
		}
	}
	for _, b := range s.Blocks {
		header := b.Type + strings.Repeat(` "x"`, len(b.Labels))
		inner := map[string]*dsl.Schema{"": b.Schema}
		if b.Variants != nil {
			inner = b.Variants
		}
		for label, schema := range inner {
			at := strings.Replace(header, `"x"`, `"`+label+`"`, min(len(label), 1))
			tryBody(path.Join(name+"."+b.Type, label), schema, func(body string) string {
				return around(required(s, b.Type) + at + " {\n" + body + "}\n")
			}, try)
		}
	}
}

// valuesOf are the ways in which an argument can name the foreign file.
func valuesOf(t cty.Type) []string {
	file, dir := `"`+foreign+`"`, `"`+foreignDir+`"`
	switch {
	case t == cty.String:
		return []string{file, dir}
	case t == cty.DynamicPseudoType:
		return []string{file, "[" + file + "]"}
	case t.IsListType() || t.IsSetType():
		return []string{"[" + file + "]"}
	case t.IsMapType():
		return []string{"{ x = " + file + " }"}
	}
	return nil
}

// required are the arguments and blocks that must be written, but the one that is tried.
func required(s *dsl.Schema, but string) string {
	var b strings.Builder
	for _, a := range s.Attrs {
		if !a.Required || a.Name == but {
			continue
		}
		value := `"x"`
		switch {
		case a.Name == "destination":
			value = `"/tmp/x"`
		case a.Type == cty.Number:
			value = "1"
		case a.Type == cty.Bool:
			value = "true"
		case a.Type.IsListType() || a.Type.IsSetType():
			value = `["x"]`
		case a.Type.IsMapType():
			value = `{ x = "x" }`
		}
		fmt.Fprintf(&b, "%s = %s\n", a.Name, value)
	}
	for _, n := range s.Blocks {
		if n.Min > 0 && n.Type != but && n.Schema != nil {
			fmt.Fprintf(&b, "%s%s {\n%s}\n", n.Type, strings.Repeat(` "x"`, len(n.Labels)), required(n.Schema, ""))
		}
	}
	return b.String()
}
