package kind

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
)

// windowsRestartProvisioner restarts the machine.
func windowsRestartProvisioner() provisioner {
	return provisioner{
		doc:       "Restarts the machine and goes on with the next step.",
		platforms: []string{windows},
		ignored:   []string{"restart_command", "restart_check_command", "restart_timeout", "check_registry", "registry_keys"},
		steps:     func(t *task) { t.add("", "Reboot", nil) },
	}
}

// windowsUpdateProvisioner installs Windows updates.
func windowsUpdateProvisioner() provisioner {
	return provisioner{
		doc:       "Installs all updates of the system, restarting as often as that takes.",
		platforms: []string{windows},
		ignored:   []string{"search_criteria", "filters", "update_limit", "restart_timeout", "username", "password"},
		steps:     func(t *task) { t.add("", "UpdateOS", nil) },
	}
}

// sleepProvisioner waits.
func sleepProvisioner() provisioner {
	return provisioner{
		doc:   "Waits.",
		attrs: []dsl.Attr{{Name: "duration", Type: cty.String, Required: true, Doc: "How long: \"30s\", \"5m\"."}},
		steps: func(t *task) { t.pause("", t.seconds("duration")) },
	}
}

// breakpointProvisioner waits for a person in Packer, and does nothing here.
func breakpointProvisioner() provisioner {
	return provisioner{
		doc:   "Does nothing: there is nobody at the machine to continue.",
		attrs: []dsl.Attr{{Name: "note", Type: cty.String, Doc: "Without effect."}, {Name: "disable", Type: cty.Bool, Doc: "Leaves out the warning."}},
		steps: func(t *task) {
			if !t.truth("disable") {
				t.warn(t.block.Range, "Breakpoint left out", "EC2 Image Builder runs the steps without anybody watching, so that nothing stops here. Remove the block, or say disable = true.")
			}
		},
	}
}

// shellLocalProvisioner is refused: nothing of a build runs on this machine.
func shellLocalProvisioner() provisioner {
	return provisioner{
		doc: "Not supported: nothing of a build runs on the machine that started it.",
		ignored: []string{
			"inline", "script", "scripts", "command", "execute_command", "inline_shebang", "environment_vars", "env", "env_var_format",
			"only_on", "tempfile_extension", "use_linux_pathing", "valid_exit_codes",
		},
		steps: func(t *task) {
			t.diags = nil // that its arguments are without effect goes without saying
			t.fail(t.block.Range, "Unsupported provisioner", "\"shell-local\" runs on the machine that starts the build, and may be started again or not at all when an image is reused. "+
				"Make it a step of the workflow before imagebuild, and read what it wrote with file().")
		},
	}
}
