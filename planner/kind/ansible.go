package kind

import (
	"path"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
)

// ansibleAttrs are the arguments that ansible and ansible-local share.
func ansibleAttrs() []dsl.Attr {
	return []dsl.Attr{
		{Name: "playbook_file", Type: cty.String, Doc: "The playbook. Its directory is packed with it; beside the configuration only what Ansible looks for there by itself."},
		{Name: "playbook_files", Type: cty.List(cty.String), Doc: "Several playbooks, run one after another."},
		{Name: "playbook_dir", Type: cty.String, Doc: "The directory to pack instead of the playbook's own."},
		{Name: "playbook_paths", Type: cty.List(cty.String), Doc: "Further files and directories to pack."},
		{Name: "galaxy_file", Type: cty.String, Doc: "Requirements to install from Galaxy: roles, collections or both."},
		{Name: "galaxy_command", Type: cty.String, Doc: "Defaults to ansible-galaxy."},
		{Name: "galaxy_force_install", Type: cty.Bool, Doc: "Installs requirements anew that are there already."},
		{Name: "roles", Type: cty.List(cty.String), Doc: "Directories of roles, or names of roles to install from Galaxy (author.role, author.role,1.2.3)."},
		{Name: "role_paths", Type: cty.List(cty.String), Doc: "Directories of single roles."},
		{Name: "roles_path", Type: cty.String, Doc: "A directory that holds roles."},
		{Name: "collections_path", Type: cty.String, Doc: "A directory that holds collections."},
		{Name: "group_vars", Type: cty.String, Doc: "A directory that stands in for the playbook's group_vars."},
		{Name: "host_vars", Type: cty.String, Doc: "A directory that stands in for the playbook's host_vars."},
		{Name: "inventory_file", Type: cty.String, Doc: "An inventory to use. All its hosts are this machine."},
		{Name: "inventory_groups", Type: cty.List(cty.String), Doc: "Groups that the machine belongs to."},
		{Name: "groups", Type: cty.List(cty.String), Doc: "The same as inventory_groups."},
		{Name: "empty_groups", Type: cty.List(cty.String), Doc: "Groups without a machine."},
		{Name: "host_alias", Type: cty.String, Doc: "What the inventory calls the machine. Defaults to localhost."},
		{Name: "extra_arguments", Type: cty.List(cty.String), Doc: "Further arguments of ansible-playbook."},
		{Name: "ansible_env_vars", Type: cty.List(cty.String), Doc: "Environment variables as NAME=value."},
		{Name: "command", Type: cty.String, Doc: "The command that runs playbooks. Defaults to ansible-playbook."},
	}
}

// ansibleProvisioner runs playbooks on the machine itself.
func ansibleProvisioner() provisioner {
	return provisioner{
		doc: "Runs Ansible playbooks. Packer runs them from here over SSH; EC2 Image Builder has no such connection, so that the playbook, " +
			"its roles and what they need are packed, fetched by the machine from the staging bucket and run there, after installing Ansible where it is missing.",
		platforms: []string{linux},
		attrs:     ansibleAttrs(),
		ignored: []string{
			"user", "inventory_directory", "inventory_file_template", "keep_inventory_file", "use_proxy", "local_port", "ssh_host_key_file",
			"ssh_authorized_key_file", "sftp_command", "use_sftp", "ansible_ssh_extra_args", "skip_version_check", "ansible_proxy_key_type",
			"ansible_proxy_host", "ansible_winrm_use_http",
		},
		steps: func(t *task) { t.ansible(shellWord) },
	}
}

// ansibleLocalProvisioner is what Packer calls the same thing.
func ansibleLocalProvisioner() provisioner {
	return provisioner{
		doc:       "Runs Ansible playbooks on the machine, as \"ansible\" does; extra_arguments are words of a shell command as they stand.",
		platforms: []string{linux},
		attrs:     ansibleAttrs(),
		ignored:   []string{"staging_directory", "clean_staging_directory"},
		// Packer joins them into a command line, and templates quote them for that.
		steps: func(t *task) { t.ansible(func(s string) string { return s }) },
	}
}

// besidePlaybook is what Ansible looks for next to a playbook.
func besidePlaybook() []string {
	return []string{
		"roles", "group_vars", "host_vars", "templates", "files", "vars", "tasks", "handlers", "library", "module_utils", "collections",
		"filter_plugins", "lookup_plugins", "action_plugins", "callback_plugins", "test_plugins", "vars_plugins", "ansible.cfg",
	}
}

// A play is what one ansible block packs and runs. Its paths are those in the repository.
type play struct {
	entries     []entry
	playbooks   []string
	roles       []string // directories that hold roles
	collections []string // directories that hold collections
	inventory   string   // "" for the machine alone
	galaxy      requirements
	env         map[string]string
	top         string // the directory that the archive's names are relative to
	archive     string // on the machine
	quote       func(string) string
}

// requirements are what ansible-galaxy is to install.
type requirements struct {
	file               string // "" for none
	roles, collections bool   // what the file lists
	named              []string
}

func (t *task) ansible(quote func(string) string) {
	p := &play{quote: quote}
	if !t.packPlaybooks(p) {
		return
	}
	t.packRoles(p)
	t.packGalaxy(p)
	t.packInventory(p)
	p.env = t.pairs("ansible_env_vars")
	if t.diags.HasErrors() {
		return
	}
	p.top = commonDir(p.entries)
	for i := range p.entries {
		p.entries[i].name = within(p.top, p.entries[i].name)
	}
	uri, ok := t.put("ansible.tar.gz", newArchive(t.scope.Config.Host.FS, p.entries, false), t.block.Range)
	if !ok {
		return
	}
	t.bash("install", installAnsible()...)
	p.archive = t.download(uri, "/var/tmp/")
	lines := append(p.unpack(), t.install(p)...)
	lines = append(lines, t.play(p)...)
	t.bash("", append(lines, "rm -f "+shellWord(p.archive))...)
}

// at is a packed file's path on the machine, as a word of the shell.
func (p *play) at(file string) string {
	if rel := within(p.top, file); rel != "." {
		return `"$work"/` + shellWord(rel)
	}
	return `"$work"`
}

// search is a search path: the packed directories, then the others.
func (p *play) search(dirs []string, others ...string) string {
	var out []string
	for _, d := range dirs {
		out = append(out, p.at(d))
	}
	return strings.Join(append(out, others...), ":")
}

// unpack are the commands that make the directory in which everything else happens.
func (p *play) unpack() []string {
	return append([]string{
		"set -e",
		// Run Command sets neither; Ansible needs a home and insists on UTF-8.
		`export HOME="${HOME:-/root}" LC_ALL="${LC_ALL:-C.UTF-8}" PATH="$PATH:/usr/local/bin"`,
		`work=$(mktemp -d "${WORKING_DIRECTORY:-/tmp}/imagebuild.XXXXXXXX")`,
		`trap 'rm -rf "$work"' EXIT`,
		"tar -xzf " + shellWord(p.archive) + ` -C "$work"`,
		"cd " + p.at(path.Dir(p.playbooks[0])),
		"export ANSIBLE_ROLES_PATH=" + p.search(p.roles, `"$work"/.galaxy/roles`, `"$HOME"/.ansible/roles`, "/etc/ansible/roles"),
		"export ANSIBLE_COLLECTIONS_PATH=" + p.search(p.collections, `"$work"/.galaxy`, `"$HOME"/.ansible/collections`, "/usr/share/ansible/collections"),
	}, exports(p.env)...)
}

// install are the commands that fetch requirements from Galaxy.
func (t *task) install(p *play) []string {
	galaxy, force := "ansible-galaxy", ""
	if c, ok := t.str("galaxy_command"); ok {
		galaxy = c.s
	}
	if t.truth("galaxy_force_install") {
		force = "--force "
	}
	var out []string
	if p.galaxy.roles {
		out = append(out, galaxy+" role install "+force+`-p "$work"/.galaxy/roles -r `+p.at(p.galaxy.file))
	}
	if p.galaxy.collections {
		out = append(out, galaxy+" collection install "+force+`-p "$work"/.galaxy -r `+p.at(p.galaxy.file))
	}
	for _, name := range p.galaxy.named {
		out = append(out, galaxy+" role install "+force+`-p "$work"/.galaxy/roles `+shellWord(name))
	}
	return out
}

// play are the commands that run the playbooks.
func (t *task) play(p *play) []string {
	command, inventory := "ansible-playbook", "'localhost,'"
	if c, ok := t.str("command"); ok {
		command = c.s
	}
	if p.inventory != "" {
		inventory = p.at(p.inventory)
	}
	words := []string{command, "-i", inventory, "-c", "local"}
	for _, a := range t.list("extra_arguments") {
		words = append(words, p.quote(a.s))
	}
	var out []string
	for _, b := range p.playbooks {
		out = append(out, strings.Join(words, " ")+" "+p.at(b))
	}
	return out
}

// installAnsible is the program that installs Ansible where it is missing.
func installAnsible() []string {
	return []string{
		`export HOME="${HOME:-/root}" PATH="$PATH:/usr/local/bin"`,
		"if command -v ansible-playbook >/dev/null 2>&1; then exit 0; fi",
		`if command -v dnf >/dev/null 2>&1; then
  dnf -y install ansible-core || dnf -y install ansible
elif command -v amazon-linux-extras >/dev/null 2>&1; then
  amazon-linux-extras install -y ansible2
elif command -v yum >/dev/null 2>&1; then
  yum -y install ansible-core || yum -y install ansible
elif command -v apt-get >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o DPkg::Lock::Timeout=300 update && apt-get -o DPkg::Lock::Timeout=300 -y install ansible
fi`,
		"if command -v ansible-playbook >/dev/null 2>&1; then exit 0; fi",
		"if command -v python3 >/dev/null 2>&1 && python3 -m pip --version >/dev/null 2>&1; then python3 -m pip install ansible-core; fi",
		`if ! command -v ansible-playbook >/dev/null 2>&1; then
  echo "Ansible is not on this machine, and neither dnf, yum, apt-get nor pip could install it. Install it in a shell provisioner before this one." >&2
  exit 1
fi`,
	}
}
