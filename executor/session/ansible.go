package session

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/planner"
)

// ansible runs playbooks from here over the connection that the communicator has.
func (s *Session) ansible(ctx context.Context, in planner.Object) error {
	c := s.work.Communicator
	if c.Type == "s3" {
		return &RefusedError{
			Why:    "Ansible reaches a machine over WinRM or SSH, and the communicator s3 gives it neither.",
			Advice: "Use communicator \"winrm\" or \"ssh\", or run the playbook in the machine by a shell provisioner that installs Ansible (Linux only).",
		}
	}
	if s.Controller == nil {
		return &RefusedError{Why: errNoController.Error() + ".", Cause: errNoController}
	}
	if _, err := s.connection(ctx); err != nil { // the machine answers before Ansible is started
		return err
	}
	address, err := s.Machine.Address(ctx)
	if err != nil {
		return err
	}
	inventory, err := s.inventory(address)
	if err != nil {
		return err
	}
	files := map[string]planner.Content{".imagebuild/inventory.json": textContent(inventory)}
	if roots := textOf(c.Settings, "ca_certificate"); roots != "" {
		files[".imagebuild/ca.pem"] = textContent(roots)
	}
	for _, f := range s.filesOf(in) {
		files[f.name] = f.file.Content
	}
	env := textsOf(in, "environment")
	for name, value := range map[string]string{"ANSIBLE_RETRY_FILES_ENABLED": "0", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOST_KEY_CHECKING": "0"} {
		if _, given := env[name]; !given {
			env[name] = value
		}
	}
	if name := textOf(in, "galaxy_file"); name != "" {
		if err := s.play(ctx, Program{Argv: []string{"ansible-galaxy", "install", "-r", name}, Env: env, Files: files}); err != nil {
			return err
		}
	}
	for _, playbook := range listOf(in, "playbooks") {
		argv := slices.Concat([]string{"ansible-playbook", "-i", ".imagebuild/inventory.json"}, listOf(in, "extra_arguments"), []string{playbook})
		if err := s.play(ctx, Program{Argv: argv, Env: env, Files: files}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) play(ctx context.Context, p Program) error {
	exit, err := s.Controller.Run(ctx, p, s.print)
	if err == nil && exit != 0 {
		err = &exitError{exit}
	}
	return err
}

// inventory is one host with its connection, as JSON, which Ansible reads as YAML.
func (s *Session) inventory(address string) (string, error) {
	c := s.work.Communicator
	host := map[string]any{"ansible_host": address, "ansible_user": textOf(c.Settings, "username")}
	if password := s.secrets["password"]; password != "" {
		if strings.Contains(password, "{") { // Ansible would take it for a template
			password = "{% raw %}" + password + "{% endraw %}"
		}
		host["ansible_password"] = password
	}
	if c.Type == "winrm" {
		if err := overWinRM(c.Settings, host); err != nil {
			return "", err
		}
	} else {
		host["ansible_connection"] = "ssh"
	}
	if port := numberOf(c.Settings, "port"); port != 0 {
		host["ansible_port"] = port
	}
	raw, err := json.Marshal(map[string]any{"all": map[string]any{"hosts": map[string]any{"default": host}}})
	if err != nil {
		return "", fmt.Errorf("writing the inventory: %w", err)
	}
	return string(raw), nil
}

// overWinRM says how Ansible is to reach the machine.
func overWinRM(settings planner.Object, host map[string]any) error {
	if textOf(settings, "certificate_thumbprint") != "" || truthOf(settings, "trust_on_first_use") {
		return &RefusedError{
			Why:    "Ansible cannot be told which one certificate of WinRM to trust.",
			Advice: "For playbooks use http = true with authentication = \"ntlm\", where NTLM seals the messages, or ca_certificate with a certificate for the machine's name.",
		}
	}
	method := textOf(settings, "authentication")
	if method == "" {
		method = "ntlm"
	}
	host["ansible_connection"], host["ansible_winrm_transport"] = "winrm", method
	host["ansible_winrm_scheme"], host["ansible_port"] = "https", 5986
	if truthOf(settings, "http") {
		host["ansible_winrm_scheme"], host["ansible_port"] = "http", 5985
	}
	if textOf(settings, "ca_certificate") != "" {
		host["ansible_winrm_ca_trust_path"] = ".imagebuild/ca.pem"
	}
	return nil
}
