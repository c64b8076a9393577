package kind

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/component"
)

// fileProvisioner puts files and directories on the machine.
func fileProvisioner() provisioner {
	return provisioner{
		doc: "Puts files on the machine. Text up to 4 KiB travels in the component document itself, anything else through the staging bucket. " +
			"A directory's name that ends with a slash stands for its content; a destination that ends with a slash keeps the file's name. " +
			"Permissions are those that git keeps, 0644 or 0755; a directory's .git is left out.",
		attrs: []dsl.Attr{
			{Name: "source", Type: cty.String, Doc: "A file or directory of the repository. One of source, sources and content is required."},
			{Name: "sources", Type: cty.List(cty.String), Doc: "Several of them."},
			{Name: "content", Type: cty.String, Doc: "The file's text."},
			{Name: "destination", Type: cty.String, Required: true, Doc: "The absolute path on the machine."},
			{Name: "direction", Type: cty.String, Doc: "upload; Packer's download does not exist here."},
			{Name: "generated", Type: cty.Bool, Doc: "false; a file that appears only during the build cannot be planned."},
		},
		steps: (*task).file,
	}
}

// smallText is the size up to which a text stands in the component document itself: as much as
// leaves a document of AWS's 16,000 characters room for other steps.
const smallText = 4 << 10

func (t *task) file() {
	if d, ok := t.str("direction"); ok && d.s != "upload" {
		t.fail(d.at, "Unsupported direction", "Files cannot be fetched from the machine: it is gone when the build ends. Have a shell provisioner upload them to S3.")
	}
	if t.truth("generated") {
		t.fail(t.body.At("generated"), "Unsupported generated file", "All files must exist when the plan is made, because their content decides what is built. Make the file in a step of the workflow before.")
	}
	dest, ok := t.str("destination")
	if !ok || !t.checkDestination(dest) {
		return
	}
	content, hasContent := t.body.Attr("content")
	sources := t.list("sources")
	if s, ok := t.str("source"); ok {
		sources = append(sources, s)
	}
	switch {
	case hasContent && len(sources) > 0, !hasContent && len(sources) == 0, t.has("source") && t.has("sources"):
		t.fail(t.block.Range, "Wrong file arguments", "\"file\" needs exactly one of source, sources and content.")
	case hasContent:
		s, ok := t.plain("content", content.V, content.Range)
		if !ok {
			return
		}
		if strings.HasSuffix(dest.s, "/") {
			dest.s += "pkr-file-content" // Packer's name for it
		}
		t.upload(upload{dest: dest, name: path.Base(dest.s), text: s, small: len(s) <= smallText, content: memory(s), mode: 0o644, at: content.Range})
	default:
		for _, s := range sources {
			t.uploadSource(s, dest)
		}
	}
}

// checkDestination refuses what cannot be a path on the machine.
func (t *task) checkDestination(dest written) bool {
	absolute := strings.HasPrefix(dest.s, "/")
	if t.platform == windows {
		p := strings.ReplaceAll(dest.s, `\`, "/")
		absolute = len(p) > 2 && p[1:3] == ":/"
	}
	switch {
	case !absolute:
		t.fail(dest.at, "Relative destination", "%q is no absolute path, and there is no home directory that it could be relative to. Write the whole path.", dest.s)
	case !travels(dest.s) || strings.ContainsRune(dest.s, '\n'):
		t.fail(dest.at, "Wrong destination", "%q cannot be written into a component document: it holds two opening braces, a line break or a control character.", dest.s)
	default:
		return true
	}
	return false
}

// uploadSource uploads one file or directory of the repository.
func (t *task) uploadSource(s, dest written) {
	host := t.scope.Config.Host
	f, d := locate(host, s)
	if d != nil {
		t.diags = append(t.diags, d)
		return
	}
	if f.info.IsDir() {
		t.uploadTree(f, s, dest)
		return
	}
	if !f.info.Mode().IsRegular() {
		t.fail(s.at, "File not readable", "%q is no regular file.", s.s)
		return
	}
	up := upload{
		dest: dest, name: path.Base(f.path), content: plainFile{host.FS, f.path},
		mode: gitMode(f.info.Mode()), at: s.at,
	}
	if strings.HasSuffix(dest.s, "/") || t.platform == windows && strings.HasSuffix(dest.s, `\`) || t.has("sources") {
		up.dest.s = strings.TrimSuffix(dest.s, "/") + "/" + up.name
	}
	if f.info.Size() <= smallText {
		src, err := readAll(host.FS, f.path, smallText)
		if err != nil {
			t.fail(s.at, "File not readable", "%q cannot be read: %s.", s.s, reason(err))
			return
		}
		up.text, up.small = string(src), len(src) <= smallText
	}
	t.upload(up)
}

// An upload is one file on its way to the machine.
type upload struct {
	dest    written
	name    string
	text    string
	small   bool // text is all of it
	content dsl.Content
	mode    fs.FileMode
	at      hcl.Range
}

func (t *task) upload(up upload) {
	if up.small && travels(up.text) && travels(up.dest.s) {
		in := component.Input{"path": up.dest.s, "content": up.text, "overwrite": true}
		if t.platform != windows { // where AWSTOE refuses permissions
			in["permissions"] = fmt.Sprintf("%04o", up.mode)
		}
		t.add("", "CreateFile", component.Inputs{in})
		return
	}
	uri, ok := t.put(up.name, up.content, up.at)
	if !ok {
		return
	}
	if t.platform == windows {
		file := t.download(uri, `C:\Windows\Temp\`)
		t.powershell("",
			"$ErrorActionPreference = 'Stop'",
			"$target = "+quotePowerShell(up.dest.s),
			"if (Test-Path -LiteralPath $target -PathType Container) { $target = Join-Path $target "+quotePowerShell(up.name)+" }",
			"New-Item -ItemType Directory -Force -Path (Split-Path -Parent $target) | Out-Null",
			"Move-Item -Force -LiteralPath "+quotePowerShell(file)+" -Destination $target")
		return
	}
	file := t.download(uri, "/var/tmp/")
	t.bash("",
		"set -e",
		"target="+shellWord(up.dest.s),
		`if [ -d "$target" ]; then target="$target/"`+shellWord(up.name)+"; fi",
		`mkdir -p "$(dirname "$target")"`,
		"cp "+shellWord(file)+` "$target"`,
		fmt.Sprintf(`chmod %04o "$target"`, up.mode),
		"rm -f "+shellWord(file))
}

// download appends the step that fetches a staged file, and returns where it then lies.
func (t *task) download(uri, folder string) string {
	file := folder + "imagebuild-" + digest12(uri) + "-" + path.Base(uri)
	t.add("download", "S3Download", component.Inputs{{"source": uri, "destination": file, "overwrite": true}})
	return file
}

// uploadTree uploads a directory as one archive.
func (t *task) uploadTree(f found, s, dest written) {
	host := t.scope.Config.Host
	base := path.Base(path.Join("/", host.Dir, s.s))
	if f.path != "." {
		base = path.Base(f.path)
	}
	prefix := ""
	if !f.slash {
		prefix = base
	}
	entries, d := collect(host.FS, f.path, prefix, s.at)
	if d != nil {
		t.diags = append(t.diags, d)
		return
	}
	zipped := t.platform == windows
	if zipped && !t.checkWindows(entries, s) {
		return
	}
	ext := ".tar.gz"
	if zipped {
		ext = ".zip"
	}
	uri, ok := t.put(keyName(base)+ext, newArchive(host.FS, entries, zipped), s.at)
	if !ok {
		return
	}
	if zipped {
		file := t.download(uri, `C:\Windows\Temp\`)
		t.powershell("",
			"$ErrorActionPreference = 'Stop'",
			"$ProgressPreference = 'SilentlyContinue'",
			"New-Item -ItemType Directory -Force -Path "+quotePowerShell(dest.s)+" | Out-Null",
			"Expand-Archive -Force -LiteralPath "+quotePowerShell(file)+" -DestinationPath "+quotePowerShell(dest.s),
			"Remove-Item -Force -LiteralPath "+quotePowerShell(file))
		return
	}
	file := t.download(uri, "/var/tmp/")
	t.bash("",
		"set -e",
		"mkdir -p "+shellWord(dest.s),
		"tar -xzf "+shellWord(file)+" -C "+shellWord(dest.s),
		"rm -f "+shellWord(file))
}

// checkWindows refuses what a zip archive cannot bring to Windows.
func (t *task) checkWindows(entries []entry, s written) bool {
	for _, e := range entries {
		if e.link != "" {
			t.fail(s.at, "Link cannot be copied", "%q is a symbolic link, which Windows does not unpack. Replace it by the file.", e.path)
			return false
		}
		if why := windowsName(e.name); why != "" {
			t.fail(s.at, "File name not possible", "%q holds %s. Rename the file.", e.path, why)
			return false
		}
	}
	return true
}
