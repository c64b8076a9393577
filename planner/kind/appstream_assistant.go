package kind

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// maxApplications is how many applications a catalogue holds ("Unable to add more than 50 apps to the catalog.").
const maxApplications = 50

// assistant makes the steps that Image Assistant carries out.
func (l *Lowered) assistant(w *planner.Work, body *dsl.Body, platform string) {
	add := func(name string, action planner.WorkAction, at hcl.Range, in planner.Object) {
		w.Steps = append(w.Steps, planner.WorkStep{Name: name, Action: action, Input: in, Range: at})
	}
	l.readArguments(body, func(a *arguments) {
		for i, n := range body.Of("manifest") {
			m := &arguments{body: n.Body}
			add(fmt.Sprintf("manifest-%d", i+1), planner.WorkManifest, n.Range, m.textsOf("path", "paths"))
			a.diags = append(a.diags, m.diags...)
		}
		seen := map[string]hcl.Range{}
		for i, n := range body.Of("application") {
			if i == maxApplications {
				a.fail(n.Range, "Too many applications", "A catalogue holds %d applications.", maxApplications)
			}
			if at, taken := seen[n.Labels[0]]; taken {
				a.fail(n.Range, "Duplicate application", "%q is already declared at %s. Rename one of the two.", n.Labels[0], at)
			}
			seen[n.Labels[0]] = n.Range
			add("application-"+stepName(n.Labels[0]), planner.WorkApplication, n.Range, a.application(n, platform))
		}
		for _, n := range body.Of("default_profile") {
			if platform != windows {
				a.fail(n.Range, "Wrong platform", "Image Assistant has default profiles on Windows alone.")
			}
			p := &arguments{body: n.Body}
			add("default-profile", planner.WorkDefaultProfile, n.Range, p.textsOf("profile"))
		}
		if scripts := body.Of("session_script"); len(scripts) > 0 {
			add("session-scripts", planner.WorkSessionScript, scripts[0].Range, planner.Object{"config": a.sessionScripts(scripts)})
		}
		add("create-image", planner.WorkCreateImage, body.Range, a.createImage())
	})
}

// textsOf are the arguments that were given, texts and lists of texts.
func (a *arguments) textsOf(names ...string) planner.Object {
	out := planner.Object{}
	for _, name := range names {
		if v, ok := a.body.Attr(name); ok {
			out[name] = v.V
		}
	}
	return out
}

// application is one entry of the catalogue, held to what Image Assistant takes.
func (a *arguments) application(n *dsl.Nested, platform string) planner.Object {
	b := &arguments{body: n.Body}
	name := n.Labels[0]
	if name == "" || len([]rune(name)) > 256 || strings.ContainsAny(name, " \t\r\n") {
		b.fail(labelRange(n), "Wrong name of an application", "%q has to be 1 to 256 characters without spaces. What users see is display_name.", name)
	}
	in := b.textsOf("path", "display_name", "working_directory", "launch_parameters")
	in["name"] = name
	for from, to := range map[string]string{"icon_path": "icon", "manifest_path": "manifest"} {
		if v, ok := n.Body.Attr(from); ok {
			in[to] = v.V
		}
	}
	if s, ok := b.str("path"); ok && platform == windows {
		lower := strings.ToLower(s.s)
		switch {
		case !absoluteOnWindows(s.s):
			b.fail(s.at, "Path not absolute", "Image Assistant takes absolute paths, and %q is none. Write it with its drive, such as C:\\CAD\\cad.exe.", s.s)
		case !strings.HasSuffix(lower, ".exe") && !strings.HasSuffix(lower, ".bat"):
			b.fail(s.at, "Unsupported file extension", "Image Assistant takes programs that end in .exe or .bat, and %q does not.", s.s)
		case strings.HasPrefix(lower, `c:\users\`):
			b.fail(s.at, "Program in a user's directory", "%q lies under C:\\Users, which an image does not keep. Install the program for all users.", s.s)
		}
	}
	if s, ok := b.str("icon_path"); ok {
		lower := strings.ToLower(s.s)
		if !strings.HasSuffix(lower, ".png") && !strings.HasSuffix(lower, ".jpg") && !strings.HasSuffix(lower, ".bmp") {
			b.fail(s.at, "Unsupported icon", "An icon is a file of at most 256 by 256 pixels that ends in .png, .jpg or .bmp.")
		}
	}
	if s, ok := b.str("display_name"); ok && len([]rune(s.s)) > 256 {
		b.fail(s.at, "Name too long", "A display name has at most 256 characters.")
	}
	a.diags = append(a.diags, b.diags...)
	return in
}

// absoluteOnWindows tells whether a path begins with a drive or a share.
func absoluteOnWindows(p string) bool {
	return strings.HasPrefix(p, `\\`) || len(p) > 2 && p[1] == ':' && (p[2] == '\\' || p[2] == '/')
}

// maxWaiting is how long AppStream waits for session scripts, in seconds.
const maxWaiting = 60

// sessionScripts is AppStream's config.json, which is read only when the image is made.
func (a *arguments) sessionScripts(scripts []*dsl.Nested) map[string]any {
	members := map[string]string{"start": "SessionStart", "end": "SessionTermination"}
	out := map[string]any{}
	for _, n := range scripts {
		b := &arguments{body: n.Body}
		member, ok := members[n.Labels[0]]
		if !ok {
			b.fail(labelRange(n), "Unknown session script", "%q is neither start nor end.", n.Labels[0])
		}
		context, waiting := "system", 30
		if s, given := b.str("context"); given {
			if context = s.s; context != "system" && context != "user" {
				b.fail(s.at, "Unknown context", "%q is neither user nor system.", context)
			}
		}
		if b.has("waiting_time") {
			if waiting = b.number("waiting_time"); waiting > maxWaiting {
				b.fail(n.Body.At("waiting_time"), "Waiting too long", "AppStream waits at most %d seconds for session scripts.", maxWaiting)
			}
		}
		program, _ := b.str("filename")
		args, _ := b.str("arguments")
		part, _ := out[member].(map[string]any)
		if part == nil {
			part = map[string]any{"executables": []any{}}
		}
		executables, _ := part["executables"].([]any)
		part["executables"] = append(executables, map[string]any{
			"context": context, "filename": program.s, "arguments": args.s, "s3LogEnabled": b.truth("log_to_s3"),
		})
		part["waitingTime"] = int64(waiting)
		out[member] = part
		a.diags = append(a.diags, b.diags...)
	}
	return out
}

// createImage says how the image is made. Its name and tags follow from the digest, and are put in when it is made.
func (a *arguments) createImage() planner.Object {
	in := a.textsOf("description", "display_name", "dynamic_app_catalog", "allow_pending_reboot")
	in["agent"] = "latest"
	if s, ok := a.str("agent"); ok {
		if in["agent"] = s.s; s.s != "latest" && s.s != "pinned" {
			a.fail(s.at, "Unknown agent", "%q is neither latest nor pinned.%s", s.s, choices(s.s, []string{"latest", "pinned"}))
		}
	}
	return in
}
