package planner

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// A Work is what is to be done inside a machine, in order: plain data that executor/session carries out.
// Its steps belong to the digest of their node; how the machine is reached does not, since it changes
// nothing of what comes out.
type Work struct {
	Communicator Communicator
	Steps        []WorkStep
	// Contents are the files that steps name by their sha256 in hex. They are no part of the plan's document.
	Contents map[string]Content
}

// A Communicator says how the machine is reached.
type Communicator struct {
	// Type is "winrm", "s3" or "ssh".
	Type string
	// Settings are its own: docs/communicators.md lists them.
	Settings Object
	// Secrets are its credentials by name: "password", "private_key", "certificate", "key". Each is the secret
	// itself or says where it is kept, which is asked when the work begins: "ssm:/path", "secretsmanager:NAME" or
	// "secretsmanager:NAME#key". A plan shows only the latter.
	Secrets map[string]string
	Range   hcl.Range
	// At is where each of the secrets was written.
	At map[string]hcl.Range
}

// SSMRefused is why there is no communicator "ssm".
const SSMRefused = "An image builder belongs to an account of AWS's own: Systems Manager does not list it, so neither Run Command nor Session Manager " +
	"nor EC2 Instance Connect reaches it. Write \"winrm\" where this program has a network path to the builder, or \"s3\" where it has none."

// A WorkStep is one thing to do.
type WorkStep struct {
	Name   string
	Action WorkAction
	Input  Object
	Range  hcl.Range // what the user wrote
}

// A WorkAction is what a step does, and what its Input holds. Every Input may have pause_before,
// pause_after and timeout (seconds), max_retries (a number) and continue_on_error (a truth).
type WorkAction string

// The actions.
const (
	// WorkShell and WorkPowerShell run script, a text, with environment, a map of texts. Exit codes other than
	// those of valid_exit_codes (0 where there is none) fail. WorkShell has interpreter: "/bin/sh -e" by default, "cmd" for batch files.
	WorkShell      WorkAction = "shell"
	WorkPowerShell WorkAction = "powershell"
	// WorkFile puts files, a list of {name, sha256, size}, below destination. A single one without a name is
	// destination itself.
	WorkFile WorkAction = "file"
	// WorkAnsible runs playbooks (names among files, a list as WorkFile's) from here, with extra_arguments, environment, and
	// galaxy_file, the name of a file of requirements.
	WorkAnsible WorkAction = "ansible"
	// WorkRestart restarts the machine and waits for it: restart_command, restart_check_command, restart_timeout in seconds.
	WorkRestart WorkAction = "restart"
	// WorkApplication puts one application into the catalogue: name, path, display_name, icon, working_directory,
	// launch_parameters, manifest (a path in the machine).
	WorkApplication WorkAction = "application"
	// WorkDefaultProfile makes the profile of a user, profile (".\\name"; the Template User without one), that of all.
	WorkDefaultProfile WorkAction = "default_profile"
	// WorkManifest writes an optimisation manifest to path (the common one without it) of the files that paths, a list of globs, find.
	WorkManifest WorkAction = "manifest"
	// WorkSessionScript writes config, the object of AppStream's config.json.
	WorkSessionScript WorkAction = "session_script"
	// WorkCreateImage makes the image: name, description, display_name, dynamic_app_catalog (a truth), agent ("latest" or
	// "pinned"), tags (a map of texts), allow_pending_reboot (a truth).
	WorkCreateImage WorkAction = "create_image"
)

// Resolve returns the work with every reference replaced by what lookup says; the work itself stays as it is.
func (w *Work) Resolve(lookup func(dsl.Ref) any) *Work {
	if w == nil {
		return nil
	}
	out := *w
	out.Communicator.Settings = w.Communicator.Settings.Resolve(lookup)
	out.Steps = slices.Clone(w.Steps)
	for i := range out.Steps {
		out.Steps[i].Input = out.Steps[i].Input.Resolve(lookup)
	}
	return &out
}

// Refs calls f for every reference in the work, with where it was written.
func (w *Work) Refs(f func(at hcl.Range, r dsl.Ref)) {
	if w == nil {
		return
	}
	w.Communicator.Settings.Refs(func(_ string, r dsl.Ref) { f(w.Communicator.Range, r) })
	for _, s := range w.Steps {
		s.Input.Refs(func(_ string, r dsl.Ref) { f(s.Range, r) })
	}
}

// appendSteps writes the steps as JSON: what the digest of their node covers.
func (w *Work) appendSteps(b []byte, ref func([]byte, dsl.Ref) []byte) []byte {
	b = append(b, '[')
	for i, s := range w.Steps {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"action":`...), string(s.Action))
		b = appendJSON(append(b, `,"input":`...), s.Input, ref)
		b = append(appendString(append(b, `,"name":`...), s.Name), '}')
	}
	return append(b, ']')
}

// appendJSON writes the work as a plan's document shows it. Of a credential that is kept nowhere it has the name alone.
func (w *Work) appendJSON(b []byte) []byte {
	c := w.Communicator
	b = appendString(append(b, `{"communicator":{"type":`...), c.Type)
	b = appendJSON(append(b, `,"settings":`...), orEmpty(c.Settings), appendRef)
	b = append(b, `,"secrets":{`...)
	for i, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		if from := c.Secrets[name]; StoredSecret(from) {
			b = appendString(b, from)
		} else {
			b = append(b, "null"...)
		}
	}
	b = w.appendSteps(append(b, `}},"steps":`...), appendRef)
	return append(b, '}')
}

func orEmpty(o Object) map[string]any {
	if o == nil {
		return map[string]any{}
	}
	return o
}
