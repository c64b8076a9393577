package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/dsl"
)

// quote writes s as one word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// comment writes lines of a shell script's comment; nothing in s can end it.
func comment(s string) string {
	var b strings.Builder
	for _, l := range Lines(s) {
		b.WriteString(strings.TrimRight("# "+ascii(l), " ") + "\n")
	}
	return b.String()
}

// identifier writes s as a shell variable's name.
func identifier(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	return "ib_" + strings.Trim(b.String(), "_")
}

// shellJSON writes v as one shell word that is JSON text: single quotes around ASCII without
// apostrophes, and where a reference stands, what word yields: more of the same, or the end of the
// quote, an expansion between double quotes, and the next quote's beginning.
func shellJSON(v any, indent string, word func(dsl.Ref) (string, error)) (string, error) {
	var b strings.Builder
	b.WriteByte('\'')
	if err := writeJSON(&b, v, indent, word); err != nil {
		return "", err
	}
	b.WriteByte('\'')
	return b.String(), nil
}

func writeJSON(b *strings.Builder, v any, indent string, word func(dsl.Ref) (string, error)) error {
	inner := indent + "  "
	switch v := v.(type) {
	case dsl.Ref:
		w, err := word(v)
		if err != nil {
			return err
		}
		b.WriteString(`"` + w + `"`)
	case string:
		b.WriteString(`"` + asciiJSON(v) + `"`)
	case []any:
		if len(v) == 0 {
			b.WriteString("[]")
			return nil
		}
		b.WriteByte('[')
		for i, e := range v {
			b.WriteString(separator(i, inner))
			if err := writeJSON(b, e, inner, word); err != nil {
				return err
			}
		}
		b.WriteString("\n" + indent + "]")
	default:
		if m := asMap(v); m != nil {
			return writeJSONObject(b, m, indent, word)
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("write %T as JSON: %w", v, err)
		}
		b.Write(raw)
	}
	return nil
}

func writeJSONObject(b *strings.Builder, m map[string]any, indent string, word func(dsl.Ref) (string, error)) error {
	if len(m) == 0 {
		b.WriteString("{}")
		return nil
	}
	inner := indent + "  "
	b.WriteByte('{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		b.WriteString(separator(i, inner) + `"` + asciiJSON(k) + `": `)
		if err := writeJSON(b, m[k], inner, word); err != nil {
			return err
		}
	}
	b.WriteString("\n" + indent + "}")
	return nil
}

func separator(i int, indent string) string {
	if i == 0 {
		return "\n" + indent
	}
	return ",\n" + indent
}

// kebab writes an operation's or member's name as the AWS CLI does: CreateImageRecipe is create-image-recipe.
func kebab(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		upper := c >= 'A' && c <= 'Z'
		if upper && i > 0 && (s[i-1] < 'A' || s[i-1] > 'Z' || i+1 < len(s) && s[i+1] >= 'a' && s[i+1] <= 'z') {
			b.WriteByte('-')
		}
		b.WriteString(strings.ToLower(string(c)))
	}
	return b.String()
}
