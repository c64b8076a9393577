package component

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A chainDocument is a document's entry of chaining.json: what its steps may refer to.
type chainDocument struct {
	Phases []*chainPhase `json:"phases"`
}

type chainPhase struct {
	Name       string       `json:"name"`
	IsSelected bool         `json:"isSelected"`
	Steps      []*chainStep `json:"steps"`
}

type chainStep struct {
	Name string `json:"name"`
	// Inputs and Outputs are texts that hold JSON arrays.
	Inputs  string      `json:"inputs"`
	Outputs string      `json:"outputs"`
	Loop    *detailLoop `json:"loop"`
	// Documents is always null here: what a nested document leaves cannot be referred to.
	Documents any `json:"documents"`
}

// A chainFile keeps chaining.json. It lists every step of every document from the start.
type chainFile struct {
	jsonFile
	documents []*chainDocument
}

func newChainFile(dir string, run LogRun) *chainFile {
	c := &chainFile{documents: []*chainDocument{}}
	c.jsonFile = newJSONFile(dir, "chaining.json", &c.documents)
	for _, jd := range run.Documents {
		doc, _ := Parse([]byte(jd.Source), jd.Name) // the run itself says what is wrong with it
		out := &chainDocument{Phases: []*chainPhase{}}
		c.documents = append(c.documents, out)
		if doc == nil {
			continue
		}
		for _, ph := range doc.Phases {
			p := &chainPhase{Name: ph.Name, IsSelected: len(run.Phases) == 0 || slices.Contains(run.Phases, ph.Name), Steps: []*chainStep{}}
			for i := range ph.Steps {
				s := &ph.Steps[i]
				p.Steps = append(p.Steps, &chainStep{Name: s.Name, Inputs: asJSON(orEmpty(reportedInputs(s.Inputs))), Outputs: "[]", Loop: loopOf(s.Loop)})
			}
			out.Phases = append(out.Phases, p)
		}
	}
	return c
}

// end takes in what a step leaves, and reports whether e is the end of one.
func (c *chainFile) end(e Event) bool {
	if e.Kind != StepFinished || e.Result == nil || e.Index >= len(c.documents) {
		return false
	}
	for _, ph := range c.documents[e.Index].Phases {
		for _, s := range ph.Steps {
			if ph.Name == e.Phase && s.Name == e.Step {
				if len(e.Result.Inputs) > 0 {
					s.Inputs = asJSON(e.Result.Inputs)
				}
				s.Outputs = asJSON(orEmpty(e.Result.Outputs))
			}
		}
	}
	return true
}

const (
	// smallFile is what may be written anew at every step without being felt.
	smallFile = 256 << 10
	// rareUpdate is how often a larger file is.
	rareUpdate = 2 * time.Second
)

// A jsonFile is a file that holds one value, written anew when the value has changed.
type jsonFile struct {
	path  string
	value any // a pointer
	size  int
	wrote time.Time
}

func newJSONFile(dir, name string, value any) jsonFile {
	return jsonFile{path: filepath.Join(dir, name), value: value}
}

// update writes the file, unless it is large and was written a moment ago.
func (f *jsonFile) update(at time.Time) (wrote bool, err error) {
	if f.size > smallFile && at.Sub(f.wrote) < rareUpdate {
		return false, nil
	}
	f.wrote = at
	return true, f.write()
}

// write replaces the file in one go, so that nobody reads half of it. AWSTOE indents by four spaces
// and ends without a line break.
func (f *jsonFile) write() error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	if err := enc.Encode(f.value); err != nil {
		return fmt.Errorf("writing %s: %w", f.path, err)
	}
	text := bytes.TrimRight(b.Bytes(), "\n")
	f.size = len(text)
	part := f.path + ".part"
	if err := os.WriteFile(part, text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(part, f.path); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return nil
}

func (f *jsonFile) read() error {
	raw, err := readSmall(f.path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, f.value); err != nil {
		return fmt.Errorf("reading %s: %w", f.path, err)
	}
	return nil
}
