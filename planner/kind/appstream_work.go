package kind

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// workVariants are the provisioners that work inside of an image builder, by label.
func workVariants() map[string]*dsl.Schema {
	out := map[string]*dsl.Schema{}
	for label, s := range provisionerVariants() {
		if label != "breakpoint" && label != "shell-local" {
			out[label] = s
		}
	}
	return out
}

// A workTask turns one provisioner into steps of a planner.Work.
type workTask struct {
	*task
	work *planner.Work
}

// workers make the steps of the provisioners that an image builder can have.
func workers() map[string]func(*workTask) {
	return map[string]func(*workTask){
		"powershell":      func(t *workTask) { t.script(planner.WorkPowerShell, "") },
		"windows-shell":   func(t *workTask) { t.script(planner.WorkShell, "cmd") },
		"shell":           func(t *workTask) { t.script(planner.WorkShell, "") },
		"file":            (*workTask).files,
		"ansible":         (*workTask).ansible,
		"windows-restart": (*workTask).restart,
		"sleep":           (*workTask).sleep,
	}
}

// work is what is done in the machine, in order: provisioners, manifests, applications, profile and session
// scripts, and the image.
func (l *Lowered) work(s *planner.Scope, b *dsl.Block) *planner.Work {
	w := &planner.Work{Contents: map[string]planner.Content{}}
	platform := basePlatform(b.Body)
	for i, n := range b.Body.Of("provisioner") {
		t := &task{
			arguments: arguments{body: n.Body}, scope: s, block: n, platform: platform,
			source: sourceName{typ: "appstream-builder", label: b.Addr.Name, local: b.Addr.Name},
			prefix: fmt.Sprintf("%02d-%s", i+1, n.Labels[0]),
		}
		if name, ok := t.str("name"); ok && name.s != "" {
			t.prefix += "-" + stepName(name.s)
		}
		(&workTask{task: t, work: w}).run()
		l.Diags = append(l.Diags, t.diags...)
	}
	l.assistant(w, b.Body, platform)
	w.Communicator = l.communicator(s, b)
	return w
}

// run makes the steps of one provisioner, with what all have in common.
func (t *workTask) run() {
	label := t.block.Labels[0]
	worker, ok := workers()[label]
	if !ok {
		t.fail(labelRange(t.block), "Unsupported provisioner", "%q does not work in an AppStream image builder. What does: %s.", label, strings.Join(sortedKeys(workers()), ", "))
		return
	}
	if only := provisioners()[label].platforms; only != nil && !slices.Contains(only, t.platform) && label != "ansible" {
		t.fail(labelRange(t.block), "Wrong platform", "%q runs on %s, and this image is of %s. Say platform = %q in the source if that is wrong.",
			label, strings.Join(only, " and "), t.platform, only[0])
		return
	}
	before := len(t.work.Steps)
	worker(t)
	common := planner.Object{}
	for _, name := range []string{"pause_before", "pause_after", "timeout"} {
		if seconds := t.seconds(name); seconds > 0 {
			common[name] = int64(seconds)
		}
	}
	if n := t.number("max_retries"); n > 0 {
		common["max_retries"] = int64(n)
	}
	if t.truth("continue_on_error") {
		common["continue_on_error"] = true
	}
	for _, step := range t.work.Steps[before:] {
		maps.Copy(step.Input, common)
	}
}

func (t *workTask) step(suffix string, action planner.WorkAction, in planner.Object) {
	name := t.prefix
	if suffix != "" {
		name += "-" + suffix
	}
	t.work.Steps = append(t.work.Steps, planner.WorkStep{Name: name, Action: action, Input: in, Range: t.block.Range})
}

// script makes a step of each script.
func (t *workTask) script(action planner.WorkAction, interpreter string) {
	env := t.environment()
	for _, s := range t.scripts() {
		in := planner.Object{"script": s.s}
		if e := t.withPacker(maps.Clone(env), s.s); len(e) > 0 {
			in["environment"] = object(e)
		}
		if valid := t.exitCodes(); valid != nil {
			codes := make([]any, len(valid))
			for i, c := range valid {
				codes[i] = c
			}
			in["valid_exit_codes"] = codes
		}
		if by := cmp.Or(interpreter, t.interpreter(action, s)); by != "" {
			in["interpreter"] = by
		}
		t.step(s.suffix, action, in)
	}
}

// interpreter is what a shell script asks for; "" where it asks for none.
func (t *workTask) interpreter(action planner.WorkAction, s script) string {
	if action != planner.WorkShell {
		return ""
	}
	return t.shebang(s)
}

// object is a map of texts as an Object has them.
func object(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// restart restarts the machine.
func (t *workTask) restart() {
	in := planner.Object{}
	for _, name := range []string{"restart_command", "restart_check_command"} {
		if s, ok := t.str(name); ok {
			in[name] = s.s
		}
	}
	if seconds := t.seconds("restart_timeout"); seconds > 0 {
		in["restart_timeout"] = int64(seconds)
	}
	t.step("", planner.WorkRestart, in)
}

// sleep waits between two steps, and so is a script that does nothing for as long.
func (t *workTask) sleep() {
	action, script := planner.WorkPowerShell, "Start-Sleep -Seconds %d"
	if t.platform != windows {
		action, script = planner.WorkShell, "sleep %d"
	}
	t.step("", action, planner.Object{"script": fmt.Sprintf(script, t.seconds("duration"))})
}

// files puts files and directories into the machine.
func (t *workTask) files() {
	dest, ok := t.str("destination")
	if !ok || !t.checkDestination(dest) {
		return
	}
	content, inline := t.body.Attr("content")
	sources := t.list("sources")
	if s, given := t.str("source"); given {
		sources = append(sources, s)
	}
	if d, given := t.str("direction"); given && d.s != "upload" {
		t.fail(d.at, "Unsupported direction", "Files are not fetched from the machine. Have a provisioner upload them to S3.")
	}
	switch {
	case inline == (len(sources) > 0), t.has("source") && t.has("sources"):
		t.fail(t.block.Range, "Wrong file arguments", "\"file\" needs exactly one of source, sources and content.")
	case inline:
		if text, fine := t.plain("content", content.V, content.Range); fine {
			t.step("", planner.WorkFile, planner.Object{"destination": dest.s, "files": t.keep([]entry{{text: text}}, content.Range)})
		}
	default:
		for _, s := range sources {
			t.sourceFiles(s, dest)
		}
	}
}

func (t *workTask) sourceFiles(s, dest written) {
	host := t.scope.Config.Host
	f, d := locate(host, s)
	if d != nil {
		t.diags = append(t.diags, d)
		return
	}
	in := planner.Object{"destination": dest.s}
	switch {
	case f.info.IsDir():
		prefix := ""
		if !f.slash {
			prefix = path.Base(path.Join("/", f.path))
		}
		entries, problem := collect(host.FS, f.path, prefix, s.at)
		if problem != nil {
			t.diags = append(t.diags, problem)
			return
		}
		if t.platform == windows && !t.checkWindows(entries, s) {
			return
		}
		in["files"] = t.keep(entries, s.at)
	case f.info.Mode().IsRegular():
		e := entry{path: f.path}
		if strings.HasSuffix(dest.s, "/") || strings.HasSuffix(dest.s, `\`) || t.has("sources") {
			e.name = path.Base(f.path)
		}
		in["files"] = t.keep([]entry{e}, s.at)
	default:
		t.fail(s.at, "File not readable", "%q is no regular file.", s.s)
		return
	}
	t.step("", planner.WorkFile, in)
}

// keep names files by their content's sha256 and holds on to the content.
func (t *workTask) keep(entries []entry, at hcl.Range) []any {
	var out []any
	for _, e := range entries {
		var content dsl.Content = memory(e.text)
		if e.path != "" {
			content = plainFile{t.scope.Config.Host.FS, e.path}
		}
		if e.link != "" {
			t.fail(at, "Link cannot be copied", "%q is a symbolic link. Replace it by the file.", e.path)
			continue
		}
		sum, err := dsl.ContentDigest(content)
		size, sizeErr := sizeOfContent(content)
		if err = cmp.Or(err, sizeErr); err != nil {
			t.fail(at, "File not readable", "%q cannot be read: %s.", e.path, reason(err))
			continue
		}
		t.work.Contents[sum] = content
		file := map[string]any{"sha256": sum, "size": size}
		if e.name != "" {
			file["name"] = e.name
		}
		out = append(out, file)
	}
	return out
}

func sizeOfContent(c dsl.Content) (int64, error) {
	r, err := c.Open()
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, r)
	return n, cmp.Or(err, r.Close())
}

// ansible runs playbooks from here, against the machine.
func (t *workTask) ansible() {
	p := &play{}
	if !t.packPlaybooks(p) {
		return
	}
	t.packRoles(p)
	t.packGalaxy(p)
	if t.diags.HasErrors() {
		return
	}
	p.top = commonDir(p.entries)
	for i := range p.entries {
		p.entries[i].name = within(p.top, p.entries[i].name)
	}
	in := planner.Object{"files": t.keep(p.entries, t.block.Range)}
	var books []any
	for _, b := range p.playbooks {
		books = append(books, within(p.top, b))
	}
	in["playbooks"] = books
	if p.galaxy.file != "" {
		in["galaxy_file"] = within(p.top, p.galaxy.file)
	}
	if env := t.pairs("ansible_env_vars"); len(env) > 0 {
		in["environment"] = object(env)
	}
	var extra []any
	for _, a := range t.list("extra_arguments") {
		extra = append(extra, a.s)
	}
	if extra != nil {
		in["extra_arguments"] = extra
	}
	t.step("", planner.WorkAnsible, in)
}
