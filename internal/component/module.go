package component

import (
	"slices"
	"sync"

	"github.com/agext/levenshtein"
)

// The platforms of component documents, in the API's spelling.
const (
	Linux   = "Linux"
	Windows = "Windows"
	MacOS   = "macOS"
)

// An inputType is what a module wants of one input.
type inputType byte

const (
	textInput    inputType = iota
	listInput              // a list of strings
	boolInput              // true or false, or an expression
	intInput               // a whole number, or an expression
	pairsInput             // ExecuteDocument's list of {name, value}
	mapInput               // names to strings
	anyInput               // SetRegistry's value: a string, a number or a list
	encodingText           // the name of a text encoding
	enumInput              // one of inputSpec.allowed
)

// An inputSpec is one input of a module.
type inputSpec struct {
	name     string
	typ      inputType
	required bool
	allowed  []string
}

// A Module is what AWS documents of one action. The table follows the user guide's
// "Action modules supported by AWSTOE component manager".
type Module struct {
	Name      string
	Platforms []string
	// Many modules take a list of inputs and carry out each in order; others take one map.
	Many bool
	// Bare modules may be written without inputs.
	Bare    bool
	Outputs []string
	inputs  []inputSpec
}

// Inputs are the names of the module's inputs in the order they are rendered.
func (m *Module) Inputs() []string {
	out := make([]string, len(m.inputs))
	for i, s := range m.inputs {
		out[i] = s.name
	}
	return out
}

func (m *Module) input(name string) (inputSpec, bool) {
	i := slices.IndexFunc(m.inputs, func(s inputSpec) bool { return s.name == name })
	if i < 0 {
		return inputSpec{}, false
	}
	return m.inputs[i], true
}

// ModuleNamed returns what is known of an action, which is not to be changed; names are case sensitive.
func ModuleNamed(action string) (*Module, bool) {
	m, ok := byName()[action]
	return m, ok
}

// ModuleNames are the names of all actions.
func ModuleNames() []string {
	all := modules()
	out := make([]string, len(all))
	for i, m := range all {
		out[i] = m.Name
	}
	return out
}

func must(name string) inputSpec               { return inputSpec{name: name, required: true} }
func may(name string) inputSpec                { return inputSpec{name: name} }
func typed(name string, t inputType) inputSpec { return inputSpec{name: name, typ: t} }

func mustTyped(name string, t inputType) inputSpec {
	return inputSpec{name: name, typ: t, required: true}
}

func oneOf(name string, values ...string) inputSpec {
	return inputSpec{name: name, typ: enumInput, allowed: values}
}

func modules() []Module {
	return slices.Concat(generalModules(), transferModules(), fileModules(), folderModules(), systemModules())
}

// byName is the table, made once and read only: a plan looks thousands of actions up.
var byName = sync.OnceValue(func() map[string]*Module {
	out := map[string]*Module{}
	for _, m := range modules() {
		out[m.Name] = &m
	}
	return out
})

func everywhere() []string  { return []string{Linux, Windows, MacOS} }
func unixLike() []string    { return []string{Linux, MacOS} }
func windowsOnly() []string { return []string{Windows} }

func generalModules() []Module {
	return []Module{
		{Name: "Assert", Platforms: everywhere()},
		{Name: "ExecuteBash", Platforms: unixLike(), Outputs: []string{"stdout"}, inputs: []inputSpec{mustTyped("commands", listInput)}},
		{Name: "ExecuteBinary", Platforms: everywhere(), Outputs: []string{"stdout"}, inputs: []inputSpec{must("path"), typed("arguments", listInput)}},
		{
			Name: "ExecuteDocument", Platforms: everywhere(),
			Outputs: []string{"executedStepCount", "executionId", "failedStepCount", "failureMessage", "ignoredFailedStepCount", "logUrl", "status"},
			inputs:  []inputSpec{must("document"), may("document-s3-bucket-owner"), may("phases"), typed("parameters", pairsInput)},
		},
		{Name: "ExecutePowerShell", Platforms: windowsOnly(), Outputs: []string{"stdout"}, inputs: []inputSpec{typed("commands", listInput), may("file")}},
	}
}

func transferModules() []Module {
	return []Module{
		{Name: "S3Download", Platforms: everywhere(), Many: true, inputs: []inputSpec{must("source"), must("destination"), may("expectedBucketOwner"), typed("overwrite", boolInput)}},
		{Name: "S3Upload", Platforms: everywhere(), Many: true, inputs: []inputSpec{must("source"), must("destination"), typed("recurse", boolInput), may("expectedBucketOwner")}},
		{
			Name: "WebDownload", Platforms: everywhere(), Many: true, Outputs: []string{"destination"},
			inputs: []inputSpec{must("source"), must("destination"), typed("overwrite", boolInput), may("checksum"), oneOf("algorithm", "MD5", "SHA1", "SHA256", "SHA512"), typed("ignoreCertificateErrors", boolInput)},
		},
	}
}

func fileModules() []Module {
	move := []inputSpec{must("source"), must("destination"), typed("overwrite", boolInput)}
	return []Module{
		{Name: "AppendFile", Platforms: everywhere(), Many: true, inputs: []inputSpec{must("path"), may("content"), typed("encoding", encodingText)}},
		{Name: "CopyFile", Platforms: everywhere(), Many: true, inputs: move},
		{
			Name: "CreateFile", Platforms: everywhere(), Many: true,
			inputs: []inputSpec{must("path"), may("content"), typed("encoding", encodingText), may("owner"), may("group"), may("permissions"), typed("overwrite", boolInput)},
		},
		{Name: "CreateSymlink", Platforms: unixLike(), Many: true, inputs: []inputSpec{must("path"), must("target"), typed("force", boolInput)}},
		{Name: "DeleteFile", Platforms: everywhere(), Many: true, inputs: []inputSpec{must("path")}},
		{Name: "ListFiles", Platforms: everywhere(), Many: true, Outputs: []string{"files"}, inputs: []inputSpec{must("path"), may("fileNamePattern"), typed("recursive", boolInput)}},
		{Name: "MoveFile", Platforms: everywhere(), Many: true, inputs: move},
		{Name: "ReadFile", Platforms: everywhere(), Many: true, Outputs: []string{"content"}, inputs: []inputSpec{must("path"), typed("encoding", encodingText), typed("printFileContent", boolInput)}},
		{Name: "SetFileEncoding", Platforms: everywhere(), Many: true, inputs: []inputSpec{must("path"), typed("encoding", encodingText)}},
		{Name: "SetFileOwner", Platforms: unixLike(), Many: true, inputs: []inputSpec{must("path"), must("owner"), may("group")}},
		{Name: "SetFilePermissions", Platforms: unixLike(), Many: true, inputs: []inputSpec{must("path"), must("permissions")}},
	}
}

func folderModules() []Module {
	move := []inputSpec{must("source"), must("destination"), typed("overwrite", boolInput)}
	return []Module{
		{Name: "CopyFolder", Platforms: everywhere(), Many: true, inputs: move},
		{Name: "CreateFolder", Platforms: everywhere(), Many: true, inputs: []inputSpec{must("path"), may("owner"), may("group"), may("permissions"), typed("overwrite", boolInput)}},
		{Name: "DeleteFolder", Platforms: everywhere(), Many: true, inputs: []inputSpec{must("path"), typed("force", boolInput)}},
		{Name: "MoveFolder", Platforms: everywhere(), Many: true, inputs: move},
		{Name: "SetFolderOwner", Platforms: unixLike(), Many: true, inputs: []inputSpec{must("path"), must("owner"), may("group"), typed("recursive", boolInput)}},
		{Name: "SetFolderPermissions", Platforms: unixLike(), Many: true, inputs: []inputSpec{must("path"), must("permissions"), typed("recursive", boolInput)}},
	}
}

func systemModules() []Module {
	msi := []inputSpec{
		must("path"), oneOf("reboot", "Allow", "Force", "Skip"), may("logOptions"), may("logFile"),
		typed("properties", mapInput), typed("ignoreAuthenticodeSignatureErrors", boolInput), typed("allowUnsignedInstaller", boolInput),
	}
	out := []string{"logFile", "msiExitCode", "stdout"}
	return []Module{
		{Name: "InstallMSI", Platforms: windowsOnly(), Outputs: out, inputs: msi},
		{Name: "Reboot", Platforms: []string{Linux, Windows}, Bare: true, inputs: []inputSpec{typed("delaySeconds", intInput)}},
		{
			Name: "SetRegistry", Platforms: windowsOnly(), Many: true,
			inputs: []inputSpec{
				must("path"), must("name"), mustTyped("value", anyInput),
				{name: "type", typ: enumInput, required: true, allowed: []string{"BINARY", "DWORD", "QWORD", "SZ", "EXPAND_SZ", "MULTI_SZ"}},
			},
		},
		{Name: "UninstallMSI", Platforms: windowsOnly(), Outputs: out, inputs: msi},
		{Name: "UpdateOS", Platforms: []string{Linux, Windows}, Bare: true, inputs: []inputSpec{typed("include", listInput), typed("exclude", listInput)}},
	}
}

// suggest returns the known name that a mistyped one probably meant, or "".
func suggest(given string, known []string) string {
	best, name := 0.0, ""
	for _, k := range known {
		if s := levenshtein.Match(given, k, nil); s > best {
			best, name = s, k
		}
	}
	if best < 0.6 {
		return ""
	}
	return name
}

func didYouMean(given string, known []string) string {
	if s := suggest(given, known); s != "" {
		return " Did you mean " + s + "?"
	}
	return ""
}
