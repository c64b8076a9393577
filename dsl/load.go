package dsl

import (
	"io/fs"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// A Host is all that the language may see of the machine it runs on.
type Host struct {
	// FS is the repository the configuration stands in (or, outside one, its directory). Nothing
	// outside it can be read. cmd makes it with os.OpenRoot, so symbolic links cannot leave it either.
	FS fs.FS
	// Dir is the configuration's directory and Cwd the working directory, slash paths within FS;
	// Cwd is "" when the program runs outside of FS.
	Dir, Cwd string
	// Root is the absolute path of FS, for path.root, path.cwd and functions of absolute paths.
	Root string
	Env  func(string) (string, bool) // PKR_VAR_, IB_VAR_ and env(); never the process's own by itself
	Envs func() []string             // names of all variables, to find PKR_VAR_*
	// Named reads a variable file that the command line names and FS doesn't hold; name is what ranges in it say. Nil refuses.
	Named func(typed string) (name string, src []byte, err error)
	Now   time.Time // what timestamp() and its fellows say during one load
}

// Options are what the command line adds to the files.
type Options struct {
	Types    []BlockType
	File     string   // the one file in Host.Dir to read, "" for all; with it no *.auto.* variable file is read
	Vars     []string // -var name=value, in order
	VarFiles []string // -var-file, in order; paths as the user typed them, relative to Cwd
	Version  string   // of this program, for required_version
	// BySource has a block in a build that asks source.name or source.type evaluated once for each of
	// the build's sources (Nested.BySource). Without it, asking is a mistake when there are several.
	BySource bool
	// Data looks a data block up; nil offline, when data values are Refs instead. Answers marked Sensitive are secrets.
	Data func(*Block) (map[string]cty.Value, hcl.Diagnostics)
}

// Settings are what the imagebuild {} and packer {} blocks say.
type Settings struct {
	Project       string // imagebuild.project: the value of the tag imagebuild:project
	Region        string // imagebuild.region: the region built in when neither flag nor environment names one
	RegionAssumed bool   // set by who compiles: nobody names a region, so what is of a region is compared with none
	StagingBucket Value  // imagebuild.staging.bucket; V nil where none is configured
	StagingPrefix string // imagebuild.staging.prefix
}

// A Config is a whole configuration, evaluated.
type Config struct {
	Blocks []*Block // in file and then source order; planner sorts
	Data   []*Block // data blocks; Addr.Type is "data.TYPE"
	// Unread are blocks of a variant that opts.Types does not know (source "docker"), kept so that
	// whatever names one can say so. Their Body has a Range and nothing else.
	Unread   []*Block
	Settings Settings
	// Partial says that Load found errors, so that what isn't here may only be missing because of them.
	Partial bool
	// Allows are the rules that comments silence.
	Allows []Allow
	Files  map[string]*hcl.File // for the diagnostic writer; includes variable files
	Host   Host
	// Secrets are the texts inside sensitive values and what was computed from them, for the redactor.
	Secrets []string
}
