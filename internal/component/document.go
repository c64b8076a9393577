package component

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// SchemaVersion is the only version of the document language that exists.
const SchemaVersion = "1.0"

// A Document is one component document. Its zero value is an empty document; one built in Go needs
// nothing but Phases to be rendered and run.
type Document struct {
	Name        string // free text; "" for none
	Description string // free text; "" for none
	Parameters  []Parameter
	Constants   []Constant
	Phases      []Phase // in the order they run
	// File is the name the document was read from, as its ranges have it; "" for one built in Go.
	File string
}

// A Parameter is a value the document asks of whoever runs it.
type Parameter struct {
	Name        string // 3 to 128 of [A-Za-z0-9_-]
	Type        string // "string" in AWSTOE; the API also lists Integer, Boolean and StringList
	Description string
	Default     string // meaningful when HasDefault
	HasDefault  bool   // a parameter without default must be supplied
	// Allowed are the values accepted; empty for any.
	Allowed []string
	Range   hcl.Range
}

// A Constant is a value fixed by the document.
type Constant struct {
	Name  string
	Type  string // always "string"
	Value string
	Range hcl.Range
}

// A Phase is a named list of steps. Image Builder runs build and validate on the build instance and
// test on the test instance.
type Phase struct {
	Name  string
	Steps []Step
	Range hcl.Range
}

// What follows when the last attempt of a step fails: the values of onFailure.
const (
	Abort    = "Abort"    // nothing else runs, the document fails
	Continue = "Continue" // later steps run, the document fails at the end
	Ignore   = "Ignore"   // later steps run, the document succeeds
)

// A Step is one action and how to treat its failure.
type Step struct {
	Name   string // [A-Za-z0-9_-]+, unique inside its phase
	Action string // a module's name, see [ModuleNamed]
	// OnFailure is Abort, Continue, Ignore or "" for Abort.
	OnFailure string
	// MaxAttempts is the number of attempts in total; 0 for the default of 1.
	MaxAttempts int
	// TimeoutSeconds is per attempt; -1 for no limit, 0 for the default of 7200.
	TimeoutSeconds int
	// DisableLogging keeps the step's output out of the log and the result.
	DisableLogging bool
	If             *If   // nil where the step always runs
	Loop           *Loop // nil where it runs once
	Inputs         Inputs
	// Assert is the condition of an Assert step, which has no Inputs.
	Assert *Condition
	Range  hcl.Range
	// Ranges says where parts of the step were written, by path: "action", "inputs[0].path",
	// "inputs[0].commands[2]". Empty in a document built in Go.
	Ranges map[string]hcl.Range
}

// Inputs are what a step hands to its action: one Input for a module that does one thing, one for
// each operation for a module that takes a list. Which of the two is written as YAML follows from
// the module:
//
//	component.Inputs{{"commands": []string{"uname -r"}}}
//	component.Inputs{{"path": "/etc/a", "content": "x"}, {"path": "/etc/b"}}
type Inputs []Input

// An Input holds one operation's values by name. A value is a string, []string, bool or int;
// ExecuteDocument's parameters and the properties of the MSI modules are map[string]string.
// What a document gives as expression is a string whatever the input's type.
// An Input is rendered in the order of the module's own list of inputs.
type Input map[string]any

// At is where a part of the step was written, or the step itself where that is not known.
func (s *Step) At(path string) hcl.Range {
	if r, ok := s.Ranges[path]; ok {
		return r
	}
	return s.Range
}

// Phase returns the named phase, or nil.
func (d *Document) Phase(name string) *Phase {
	for i := range d.Phases {
		if d.Phases[i].Name == name {
			return &d.Phases[i]
		}
	}
	return nil
}

// Parameter returns the named parameter, or nil.
func (d *Document) Parameter(name string) *Parameter {
	i := slices.IndexFunc(d.Parameters, func(p Parameter) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &d.Parameters[i]
}

// An If decides whether a step runs.
type If struct {
	Condition Condition
	Then      string // Execute, Skip or Abort; "" for Execute
	Else      string // Execute, Skip or Abort; "" for Skip
}

// What an If leads to, besides Abort.
const (
	Execute = "Execute"
	Skip    = "Skip"
)

// A Condition is one comparison, or a logical operator over others.
type Condition struct {
	// Operator is and, or, not, or one of the comparisons: stringEquals, fileExists …
	Operator string
	// Operand is the operator's own value: the baseline of a comparison, the path or name of an
	// existence test, the hash of a file's comparison.
	Operand string
	// Value is what is compared with the baseline, or the path of the file whose hash is.
	Value string
	// Terms are the operands of and, or and not.
	Terms []Condition
	Range hcl.Range
}

// A Loop repeats a step. Exactly one of For, Each and List is used: For when Step is not 0, List
// when it is not "", Each otherwise.
type Loop struct {
	Name string // "" leaves only {{ loop.index }} and {{ loop.value }}
	For  LoopRange
	Each []string
	// List is cut at Delimiter ("" for a comma).
	List      string
	Delimiter string
	Range     hcl.Range
}

// A LoopRange counts from Start to End, both included, by Step, which may be negative.
type LoopRange struct{ Start, End, Step int }
