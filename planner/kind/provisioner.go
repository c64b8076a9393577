package kind

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/component"
	"github.com/org/imagebuild-action/planner"
)

// The platforms of components, as the API spells them.
const (
	linux   = "Linux"
	windows = "Windows"
	macOS   = "macOS"
)

// A provisioner is what is known of one type of provisioner, validate and test blocks.
type provisioner struct {
	doc       string
	platforms []string // where it can run; nil for everywhere
	attrs     []dsl.Attr
	// ignored are arguments of Packer's that mean nothing under EC2 Image Builder.
	ignored []string
	steps   func(*task)
}

// provisioners are all types by label, made once. The map must not be changed.
var provisioners = sync.OnceValue(func() map[string]provisioner {
	return map[string]provisioner{
		"shell":           shellProvisioner(),
		"file":            fileProvisioner(),
		"powershell":      powershellProvisioner(),
		"windows-shell":   windowsShellProvisioner(),
		"windows-restart": windowsRestartProvisioner(),
		"windows-update":  windowsUpdateProvisioner(),
		"ansible":         ansibleProvisioner(),
		"ansible-local":   ansibleLocalProvisioner(),
		"sleep":           sleepProvisioner(),
		"breakpoint":      breakpointProvisioner(),
		"shell-local":     shellLocalProvisioner(),
	}
})

// commonAttrs are the arguments of every provisioner.
func commonAttrs() []dsl.Attr {
	return []dsl.Attr{
		{Name: "name", Type: cty.String, Doc: "Becomes part of the steps' names in the log."},
		{Name: "only", Type: cty.List(cty.String), Doc: "The sources it runs for, as type.name. Defaults to all."},
		{Name: "except", Type: cty.List(cty.String), Doc: "The sources it does not run for, as type.name."},
		{Name: "override", Type: cty.DynamicPseudoType, Doc: "Other arguments by source name: { web = { inline = [...] } }."},
		{Name: "pause_before", Type: cty.String, Doc: "A duration to wait first."},
		{Name: "max_retries", Type: cty.Number, Doc: "How often to try again after a failure."},
		{Name: "timeout", Type: cty.String, Doc: "How long one attempt may take. Defaults to 2h."},
		{Name: "continue_on_error", Type: cty.Bool, Doc: "Whether the build goes on, and may succeed, when it fails."},
	}
}

// provisionerVariants are the schemas of provisioner, validate and test blocks by label.
func provisionerVariants() map[string]*dsl.Schema {
	out := map[string]*dsl.Schema{}
	for label, p := range provisioners() {
		attrs := slices.Concat(commonAttrs(), p.attrs)
		for _, name := range p.ignored {
			attrs = append(attrs, dsl.Attr{Name: name, Type: cty.DynamicPseudoType, Doc: "Accepted as Packer has it; without effect."})
		}
		out[label] = &dsl.Schema{Attrs: attrs}
	}
	return out
}

// A task is one provisioner, validate or test block on its way to becoming steps.
type task struct {
	arguments
	scope    *planner.Scope
	block    *dsl.Nested
	source   sourceName
	platform string
	prefix   string // of its steps' names: "01-shell-install"
	stage    *staging
	made     []component.Step
	needs    []dsl.Addr // the staged files that the steps download
}

// add appends a step. The suffix tells the steps of one block apart; the main one has none.
func (t *task) add(suffix, action string, inputs component.Inputs) {
	name := t.prefix
	if suffix != "" {
		name += "-" + suffix
	}
	for n := 2; slices.ContainsFunc(t.made, func(s component.Step) bool { return s.Name == name }); n++ {
		name = strings.TrimSuffix(t.prefix+"-"+suffix, "-") + "-" + strconv.Itoa(n)
	}
	t.made = append(t.made, component.Step{Name: name, Action: action, Inputs: inputs})
}

// bash appends a step that runs a program of bash.
func (t *task) bash(suffix string, lines ...string) {
	t.add(suffix, "ExecuteBash", component.Inputs{{"commands": portable(lines)}})
}

// powershell appends a step that runs a program of PowerShell.
func (t *task) powershell(suffix string, lines ...string) {
	t.add(suffix, "ExecutePowerShell", component.Inputs{{"commands": lines}})
}

// pause appends a step that waits.
func (t *task) pause(suffix string, seconds int) {
	if seconds == 0 {
		return
	}
	if t.platform == windows {
		t.powershell(suffix, fmt.Sprintf("Start-Sleep -Seconds %d", seconds))
	} else {
		t.bash(suffix, fmt.Sprintf("sleep %d", seconds))
	}
	t.made[len(t.made)-1].TimeoutSeconds = seconds + 60
}

// run makes the steps of the block with everything that is common to all provisioners.
func (t *task) run(p provisioner) {
	if p.platforms != nil && !slices.Contains(p.platforms, t.platform) {
		t.fail(labelRange(t.block), "Wrong platform",
			"%q runs on %s, and this image is built on %s. Say platform = %q in the source if that is wrong, or keep the block away from this source with only or except.",
			t.block.Labels[0], strings.Join(p.platforms, " and "), t.platform, p.platforms[0])
		return
	}
	t.warnIgnored(p.ignored)
	t.pause("pause", t.seconds("pause_before"))
	own := len(t.made)
	p.steps(t)
	retries, timeout, ignore := t.number("max_retries"), t.seconds("timeout"), t.truth("continue_on_error")
	for i := range t.made[own:] {
		s := &t.made[own+i]
		if retries > 0 {
			s.MaxAttempts = retries + 1 // AWSTOE counts attempts, Packer what follows the first
		}
		if timeout > 0 && s.Action != "Reboot" { // AWSTOE refuses a limit there
			s.TimeoutSeconds = timeout
		}
		if ignore {
			s.OnFailure = component.Ignore
		}
	}
	if p.has("pause_after") {
		t.pause("pause-after", t.seconds("pause_after"))
	}
}

func (p provisioner) has(attr string) bool {
	return slices.ContainsFunc(p.attrs, func(a dsl.Attr) bool { return a.Name == attr })
}

// warnIgnored says once per block which of its arguments have no effect.
func (t *task) warnIgnored(ignored []string) {
	var names []string
	for _, name := range ignored {
		if t.has(name) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		t.warn(t.body.At(names[0]), "Arguments without effect",
			"EC2 Image Builder runs the steps by itself, as root or SYSTEM and without a connection from here. These arguments of %q can be removed: %s.",
			t.block.Labels[0], strings.Join(names, ", "))
	}
}

// mentionsPacker reports whether text reads the variables that Packer sets. They are exported only
// then, so that the same steps for several sources stay one component.
func mentionsPacker(texts ...string) bool {
	return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, "PACKER_BUILD") })
}

// withPacker adds the variables that Packer sets to those of the block.
func (t *task) withPacker(env map[string]string, texts ...string) map[string]string {
	if mentionsPacker(texts...) {
		env["PACKER_BUILD_NAME"], env["PACKER_BUILDER_TYPE"] = t.source.label, t.source.typ
	}
	return env
}

func labelRange(n *dsl.Nested) hcl.Range {
	if len(n.LabelRanges) > 0 {
		return n.LabelRanges[0]
	}
	return n.Range
}

// stepName makes the part of a step's name that comes from the configuration out of what AWSTOE
// allows there: letters, digits, hyphens and underscores.
func stepName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, s)
	return s[:min(len(s), 60)]
}
