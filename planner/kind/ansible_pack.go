package kind

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// pack adds a file or directory of the repository to the archive and returns its path; "" after a
// diagnostic. It goes by the name as, or by its own where that is "".
func (t *task) pack(p *play, name written, as string) string {
	f, d := locate(t.scope.Config.Host, name)
	if d != nil {
		t.diags = append(t.diags, d)
		return ""
	}
	if as == "" {
		as = f.path
	}
	t.packPath(p, f.path, as, name)
	return as
}

func (t *task) packPath(p *play, file, as string, name written) {
	host := t.scope.Config.Host
	info, err := fs.Stat(host.FS, file)
	if err != nil {
		t.fail(name.at, "File not readable", "%q cannot be read: %s.", name.s, reason(err))
		return
	}
	if info.Mode().IsRegular() {
		p.entries = append(p.entries, entry{name: as, path: file, mode: gitMode(info.Mode())})
		return
	}
	prefix := as
	if prefix == "." {
		prefix = ""
	}
	more, d := collect(host.FS, file, prefix, name.at)
	if d != nil {
		t.diags = append(t.diags, d)
		return
	}
	p.entries = append(p.entries, more...)
}

// packPlaybooks packs the playbooks and what lies beside them.
func (t *task) packPlaybooks(p *play) bool {
	names := t.list("playbook_files")
	if one, ok := t.str("playbook_file"); ok {
		names = append(names, one)
	}
	if len(names) == 0 || t.has("playbook_file") && t.has("playbook_files") {
		t.fail(t.block.Range, "Wrong playbook arguments", "%q needs exactly one of playbook_file and playbook_files.", t.block.Labels[0])
		return false
	}
	if dir, ok := t.str("playbook_dir"); ok {
		t.pack(p, dir, "")
	}
	for _, name := range names {
		file := t.pack(p, name, "")
		if file == "" {
			return false
		}
		p.playbooks = append(p.playbooks, file)
		if !t.has("playbook_dir") {
			t.packBeside(p, file, name)
		}
	}
	return !t.diags.HasErrors()
}

// packBeside packs a playbook's directory. Where the configuration lies in the same one, only what
// Ansible looks for there: otherwise each change of the configuration would be a change of the archive.
func (t *task) packBeside(p *play, playbook string, name written) {
	host, dir := t.scope.Config.Host, path.Dir(playbook)
	if dir != path.Clean(host.Dir) && dir != "." {
		t.packPath(p, dir, dir, name)
		return
	}
	for _, file := range besidePlaybook() {
		file = path.Join(dir, file)
		if _, err := fs.Stat(host.FS, file); !errors.Is(err, fs.ErrNotExist) {
			t.packPath(p, file, file, name)
		}
	}
}

// galaxyRole is what a role's name on Galaxy looks like, with or without a version.
var galaxyRole = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+(,[A-Za-z0-9._-]+)?$`)
})

// packRoles packs directories of roles and collections, and finds the roles to fetch by name.
func (t *task) packRoles(p *play) {
	var dirs []written
	for _, name := range t.list("roles") {
		if galaxyRole().MatchString(name.s) && absent(t.scope.Config.Host, name.s) {
			p.galaxy.named = append(p.galaxy.named, name.s)
			continue
		}
		dirs = append(dirs, name)
	}
	for _, name := range append(dirs, t.list("role_paths")...) {
		if dir := t.pack(p, name, ""); dir != "" && !slices.Contains(p.roles, path.Dir(dir)) {
			p.roles = append(p.roles, path.Dir(dir))
		}
	}
	if name, ok := t.str("roles_path"); ok {
		if dir := t.pack(p, name, ""); dir != "" {
			p.roles = append(p.roles, dir)
		}
	}
	if name, ok := t.str("collections_path"); ok {
		if dir := t.pack(p, name, ""); dir != "" {
			p.collections = append(p.collections, dir)
		}
	}
	for _, name := range t.list("playbook_paths") {
		t.pack(p, name, "")
	}
	for _, b := range p.playbooks {
		under := path.Join(path.Dir(b), "roles")
		if !slices.Contains(p.roles, under) && p.holds(under) {
			p.roles = append(p.roles, under)
		}
	}
}

// holds reports whether anything of a directory was packed.
func (p *play) holds(dir string) bool {
	return slices.ContainsFunc(p.entries, func(e entry) bool { return strings.HasPrefix(e.name, dir+"/") })
}

// packGalaxy packs the file of requirements and looks what it asks for, because ansible-galaxy fetches
// roles and collections by different commands and fails on a file without what it is asked to fetch.
func (t *task) packGalaxy(p *play) {
	name, ok := t.str("galaxy_file")
	if !ok {
		return
	}
	src, d := readFile(t.scope.Config.Host, name, maxScript)
	if d != nil {
		t.diags = append(t.diags, d)
		return
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil || len(doc.Content) != 1 {
		t.fail(name.at, "Wrong requirements", "%q is no YAML document: it must be a list of roles, or a map with roles, collections or both.", name.s)
		return
	}
	switch root := doc.Content[0]; root.Kind {
	case yaml.SequenceNode:
		p.galaxy.roles = true
	case yaml.MappingNode:
		for i := 0; i < len(root.Content); i += 2 {
			p.galaxy.roles = p.galaxy.roles || root.Content[i].Value == "roles"
			p.galaxy.collections = p.galaxy.collections || root.Content[i].Value == "collections"
		}
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
	}
	if !p.galaxy.roles && !p.galaxy.collections {
		t.fail(name.at, "Wrong requirements", "%q lists neither roles nor collections.", name.s)
		return
	}
	p.galaxy.file = t.pack(p, name, "")
}

// packInventory packs the inventory and its variables.
func (t *task) packInventory(p *play) {
	dir := path.Dir(p.playbooks[0])
	for _, name := range []string{"group_vars", "host_vars"} {
		if v, ok := t.str(name); ok {
			t.pack(p, v, path.Join(dir, name))
		}
	}
	if v, ok := t.str("inventory_file"); ok {
		p.inventory = t.pack(p, v, "")
		return
	}
	if inv := t.inventory(); inv != "" {
		p.inventory = path.Join(dir, "imagebuild-inventory")
		p.entries = append(p.entries, entry{name: p.inventory, text: inv, mode: 0o644})
	}
}

// inventory is the inventory that names the groups of the machine; "" where none are wanted.
func (t *task) inventory() string {
	name := regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	check := func(w written) bool {
		ok := name.MatchString(w.s)
		if !ok {
			t.fail(w.at, "Wrong inventory name", "%q cannot stand in an inventory. Use letters, digits, underscores, dots and hyphens.", w.s)
		}
		return ok
	}
	host := "localhost"
	alias, ok := t.str("host_alias")
	if ok && check(alias) {
		host = alias.s
	}
	groups, empty := append(t.list("inventory_groups"), t.list("groups")...), t.list("empty_groups")
	if !ok && len(groups)+len(empty) == 0 {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s ansible_connection=local\n", host)
	for i, g := range append(groups, empty...) {
		if !check(g) {
			continue
		}
		fmt.Fprintf(&out, "\n[%s]\n", g.s)
		if i < len(groups) {
			out.WriteString(host + "\n")
		}
	}
	return out.String()
}

// commonDir is the deepest directory that holds all entries.
func commonDir(entries []entry) string {
	var top []string
	for i, e := range entries {
		dirs := strings.Split(path.Dir(e.name), "/")
		if i == 0 {
			top = dirs
			continue
		}
		n := 0
		for n < len(top) && n < len(dirs) && top[n] == dirs[n] {
			n++
		}
		top = top[:n]
	}
	if len(top) == 0 {
		return "."
	}
	return path.Join(top...)
}

// within is a path relative to a directory that holds it.
func within(dir, file string) string {
	if dir == "." {
		return file
	}
	if file == dir {
		return "."
	}
	return strings.TrimPrefix(file, dir+"/")
}
