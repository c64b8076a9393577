package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// What a Document may hold at most. They come from other jobs, through artifacts.
const (
	// MaxDocument is the length of its JSON in bytes.
	MaxDocument = 64 << 20
	// maxList is the length of any list but a log's.
	maxList = 20_000
	// maxLogLines is the length of one log.
	maxLogLines = 100_000
	// maxText is the length of one text in bytes.
	maxText = 1 << 20
	// maxSeconds is the longest duration: a workflow run ends after 35 days.
	maxSeconds = 400 * 24 * 3600
)

// JSON is the document as its file: one object, indented, a line feed at the end, and no character
// that a terminal or a GitHub runner acts on.
func (d *Document) JSON() ([]byte, error) {
	raw, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	return []byte(visibleJSON(string(raw)) + "\n"), nil
}

// JSON is several documents as one file, a list of what Document.JSON writes.
func JSON(docs []*Document) ([]byte, error) {
	if docs == nil {
		docs = []*Document{}
	}
	raw, err := json.MarshalIndent(docs, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode documents: %w", err)
	}
	return []byte(visibleJSON(string(raw)) + "\n"), nil
}

// ReadDocument reads what Document.JSON wrote. Anything else is an error that says what is wrong:
// another version, a field or a word that is not known, more than the limits allow, anything behind the end.
func ReadDocument(r io.Reader) (*Document, error) {
	raw, err := readJSON(r)
	if err != nil {
		return nil, err
	}
	return parseDocument(raw)
}

// ReadDocuments reads a file of one document or of a list of them, as strictly.
func ReadDocuments(r io.Reader) ([]*Document, error) {
	raw, err := readJSON(r)
	if err != nil {
		return nil, err
	}
	if raw[0] != '[' {
		d, err := parseDocument(raw)
		return []*Document{d}, err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	docs := make([]*Document, 0, len(list))
	for _, one := range list {
		d, err := parseDocument(one)
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, nil
}

func readJSON(r io.Reader) (json.RawMessage, error) {
	limited := &io.LimitedReader{R: r, N: MaxDocument + 1}
	dec := json.NewDecoder(limited)
	var raw json.RawMessage
	err := dec.Decode(&raw)
	if limited.N <= 0 {
		return nil, fmt.Errorf("read document: it is longer than %d bytes", MaxDocument)
	}
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read document: something stands behind its end")
	}
	return raw, nil
}

func parseDocument(raw []byte) (*Document, error) {
	var format struct {
		Version string `json:"format_version"`
	}
	if err := json.Unmarshal(raw, &format); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	if format.Version != DocumentFormat {
		return nil, fmt.Errorf("read document: its format_version is %.40q, and this program reads %q", format.Version, DocumentFormat)
	}
	d := &Document{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(d); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	return d, nil
}

// check refuses what no document made here holds.
func (d *Document) check() error {
	if d.Command == "" {
		return errors.New("command is missing")
	}
	if err := checkValue(reflect.ValueOf(d).Elem(), "document"); err != nil {
		return err
	}
	for i, r := range d.Resources {
		switch {
		case r.Address == "":
			return fmt.Errorf("resources[%d] has no address", i)
		case r.Log != nil && r.Log.Total < len(r.Log.Lines):
			return fmt.Errorf("resources[%d] has more lines of its log than there were", i)
		}
	}
	return nil
}

// words are the values of each type of ours that a document may hold.
func words() map[reflect.Type][]string {
	return map[reflect.Type][]string{
		reflect.TypeFor[Outcome]():         {string(Succeeded), string(Failed), string(Mistaken), string(Interrupted), string(Running)},
		reflect.TypeFor[Severity]():        {string(Error), string(Warning), string(Notice)},
		reflect.TypeFor[CheckOutcome]():    {string(CheckPassed), string(CheckWarning), string(CheckFailed), string(CheckSkipped)},
		reflect.TypeFor[planner.Verb]():    {"", string(planner.None), string(planner.Create), string(planner.Update), string(planner.Delete), string(planner.Wait), string(planner.Later)},
		reflect.TypeFor[executor.Status](): {"", string(executor.Applied), string(executor.Unchanged), string(executor.Failed), string(executor.Skipped), string(executor.Canceled)},
	}
}

// checkValue holds v, which is part of a document and called at, against the limits.
func checkValue(v reflect.Value, at string) error {
	switch v.Kind() { //nolint:exhaustive // a document has no other kinds
	case reflect.String:
		return checkText(v, at)
	case reflect.Int, reflect.Int64:
		if v.Int() < 0 {
			return fmt.Errorf("%s is %d", at, v.Int())
		}
	case reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || f < 0 || f > maxSeconds {
			return fmt.Errorf("%s is %v", at, f)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return checkValue(v.Elem(), at)
		}
	case reflect.Slice:
		return checkList(v, at)
	case reflect.Struct:
		if t, ok := reflect.TypeAssert[time.Time](v); ok {
			if !t.IsZero() && (t.Year() < 2000 || t.Year() > 9000) {
				return fmt.Errorf("%s is in the year %d", at, t.Year())
			}
			return nil
		}
		for field, f := range v.Fields() {
			if !field.IsExported() {
				continue
			}
			if err := checkValue(f, at+"."+field.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkText(v reflect.Value, at string) error {
	s := v.String()
	if v.Type() != reflect.TypeFor[string]() && !slices.Contains(words()[v.Type()], s) {
		return fmt.Errorf("%s cannot be %.40q", at, s)
	}
	if len(s) > maxText {
		return fmt.Errorf("%s is longer than %d bytes", at, maxText)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s is not UTF-8", at)
	}
	return nil
}

func checkList(v reflect.Value, at string) error {
	limit := maxList
	if v.Type() == reflect.TypeFor[[]string]() {
		limit = maxLogLines
	}
	if v.Len() > limit {
		return fmt.Errorf("%s has %d entries, more than %d", at, v.Len(), limit)
	}
	for i := range v.Len() {
		if err := checkValue(v.Index(i), at+"[]"); err != nil {
			return err
		}
	}
	return nil
}
