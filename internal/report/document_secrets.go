package report

import (
	"reflect"
	"strings"
)

// cover puts "(sensitive)" in the place of every secret in the document's text. Texts of ours (verbs,
// outcomes, severities) have types of their own and stay what they are.
func (d *Document) cover(secrets []string) {
	r := Redact(nil, secrets)
	if len(r.patterns) == 0 {
		return
	}
	fixed := d.FormatVersion
	coverText(reflect.ValueOf(d).Elem(), r.cover())
	d.FormatVersion = fixed
}

// newCover returns what covers the secrets in one text.
func newCover(secrets []string) func(string) string { return Redact(nil, secrets).cover() }

func (r *Redactor) cover() func(string) string {
	if len(r.patterns) == 0 {
		return func(s string) string { return s }
	}
	return func(s string) string {
		var b strings.Builder
		r.w = &b
		if _, err := r.Write([]byte(s)); err != nil {
			return redacted // a builder takes everything
		}
		if err := r.Close(); err != nil {
			return redacted
		}
		return b.String()
	}
}

// coverText covers v, which is part of a Document: structs, pointers, slices and texts.
func coverText(v reflect.Value, cover func(string) string) {
	switch v.Kind() { //nolint:exhaustive // numbers, times and truths hold no text
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			v.SetString(cover(v.String()))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			coverText(v.Elem(), cover)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			if field.CanSet() {
				coverText(field, cover)
			}
		}
	case reflect.Slice:
		if lines, ok := reflect.TypeAssert[[]string](v); ok {
			// Together, since a secret may go over several lines.
			v.Set(reflect.ValueOf(coverLines(lines, cover)))
			return
		}
		for i := range v.Len() {
			coverText(v.Index(i), cover)
		}
	}
}

func coverLines(lines []string, cover func(string) string) []string {
	if len(lines) == 0 {
		return lines
	}
	return strings.Split(cover(strings.Join(lines, "\n")), "\n")
}
