package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// runSettings are what AWSTOE's flags and its configuration file say, under the names of the file
// (user guide, "Use AWSTOE run command").
type runSettings struct {
	documents  string // of the flag
	parameters string // of the flag

	Documents             []runDocument  `json:"documents"`
	Parameters            []runParameter `json:"parameters"`
	Phases                string         `json:"phases"`
	ExecutionID           string         `json:"executionId"`
	LogDirectory          string         `json:"logDirectory"`
	StateDirectory        string         `json:"stateDirectory"`
	LogS3BucketName       string         `json:"logS3BucketName"`
	LogS3KeyPrefix        string         `json:"logS3KeyPrefix"`
	LogS3BucketOwner      string         `json:"logS3BucketOwner"`
	DocumentS3BucketOwner string         `json:"documentS3BucketOwner"`
	CWLogGroup            string         `json:"cwLogGroup"`
	CWLogStream           string         `json:"cwLogStream"`
	CWLogRegion           string         `json:"cwLogRegion"`
	CWIgnoreFailures      bool           `json:"cwIgnoreFailures"`
	Trace                 bool           `json:"trace"`
}

// A runDocument is one document to run, with values of its own parameters.
type runDocument struct {
	Path       string         `json:"path"`
	Parameters []runParameter `json:"parameters"`
}

type runParameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// settings joins the flags and the configuration file: a flag wins.
func (r *running) settings(c *cobra.Command) (runSettings, error) {
	if r.config == "" {
		return r.fromFlags()
	}
	for _, name := range []string{"documents", "parameters"} {
		if c.Flags().Changed(name) {
			return runSettings{}, mistake("the file names the documents and their parameters", "--%s and --config exclude each other", name)
		}
	}
	path := r.config
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.p.cwd, path)
	}
	raw, err := readFile(path, maxDocument)
	if err != nil {
		return runSettings{}, mistake("name a JSON file with the key documents", "the configuration file cannot be read: %w", err)
	}
	s, err := decodeSettings(raw)
	if err != nil {
		return s, mistake("docs/run.md shows such a file", "the configuration file %s: %w", r.config, err)
	}
	s.override(c.Flags(), &r.flags)
	return s, nil
}

// fromFlags is what the command line alone says.
func (r *running) fromFlags() (runSettings, error) {
	s := r.flags
	if s.documents == "" {
		return s, mistake("name one with --documents FILE or a list of them with --config FILE", "there is no document to run")
	}
	paths, err := documentPaths(s.documents)
	if err != nil {
		return s, err
	}
	for _, path := range paths {
		s.Documents = append(s.Documents, runDocument{Path: path})
	}
	for _, pair := range list(s.parameters) {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || value == "" {
			return s, mistake("write name=value,name=value; a value that holds a comma, or is empty, needs --config", "--parameters: %q is not name=value", pair)
		}
		s.Parameters = append(s.Parameters, runParameter{name, value})
	}
	return s, nil
}

// documentPaths reads --documents.
func documentPaths(text string) ([]string, error) {
	paths := strings.Split(text, ",")
	if slices.Contains(paths, "") {
		return nil, mistake("separate documents by one comma, without spaces", "--documents has an empty entry")
	}
	return paths, nil
}

// decodeSettings reads a configuration file. AWS's guide once spells executionId "executonId".
func decodeSettings(raw []byte) (runSettings, error) {
	var file struct {
		runSettings

		Misspelt string `json:"executonId"`
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return runSettings{}, fmt.Errorf("reading its JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return runSettings{}, errors.New("it holds more than one JSON object")
	}
	s := file.runSettings
	if s.ExecutionID == "" {
		s.ExecutionID = file.Misspelt
	}
	if len(s.Documents) == 0 {
		return s, errors.New("it names no documents")
	}
	for i, d := range s.Documents {
		if d.Path == "" {
			return s, fmt.Errorf("the document %d has no path", i+1)
		}
	}
	return s, nil
}

// override puts flags that were given in the place of what the file says.
func (s *runSettings) override(given *pflag.FlagSet, flags *runSettings) {
	texts := map[string]struct{ to, from *string }{
		"phases":                   {&s.Phases, &flags.Phases},
		"execution-id":             {&s.ExecutionID, &flags.ExecutionID},
		"log-directory":            {&s.LogDirectory, &flags.LogDirectory},
		"state-directory":          {&s.StateDirectory, &flags.StateDirectory},
		"document-s3-bucket-owner": {&s.DocumentS3BucketOwner, &flags.DocumentS3BucketOwner},
		"log-s3-bucket-name":       {&s.LogS3BucketName, &flags.LogS3BucketName},
		"log-s3-key-prefix":        {&s.LogS3KeyPrefix, &flags.LogS3KeyPrefix},
		"log-s3-bucket-owner":      {&s.LogS3BucketOwner, &flags.LogS3BucketOwner},
		"cw-log-group":             {&s.CWLogGroup, &flags.CWLogGroup},
		"cw-log-stream":            {&s.CWLogStream, &flags.CWLogStream},
		"cw-log-region":            {&s.CWLogRegion, &flags.CWLogRegion},
	}
	for name, v := range texts {
		if given.Changed(name) {
			*v.to = *v.from
		}
	}
	if given.Changed("cw-ignore-failures") {
		s.CWIgnoreFailures = flags.CWIgnoreFailures
	}
	if given.Changed("trace") {
		s.Trace = flags.Trace
	}
}

// executionID checks the name of a run, which becomes part of a folder's name, or makes one.
func executionID(given string) (string, error) {
	if given == "" {
		return uuid.NewString(), nil
	}
	if !regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$`).MatchString(given) {
		return "", mistake("use at most 128 letters, digits, dots, - and _", "the execution id %q cannot be part of a folder's name", given)
	}
	return given, nil
}

// maxDocument bounds a document or configuration file: Image Builder takes 64 KB.
const maxDocument = 8 << 20
