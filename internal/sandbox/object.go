package sandbox

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// An object is a structure in the wire's own vocabulary: members by name, leaves string, bool, a
// number, or a time where the model has a timestamp.
type object = map[string]any

// isoMillis is how Image Builder writes its DateTime, which its model declares a string.
const isoMillis = "2006-01-02T15:04:05.000Z"

func isoTime(t time.Time) string { return t.UTC().Format(isoMillis) }

// at follows a path of members; nil where it breaks off.
func at(v any, path ...string) any {
	for _, name := range path {
		o, ok := v.(object)
		if !ok {
			return nil
		}
		v = o[name]
	}
	return v
}

// text returns the string at a path, "" where there is none.
func text(v any, path ...string) string {
	s, _ := at(v, path...).(string)
	return s
}

// list returns the array at a path, nil where there is none.
func list(v any, path ...string) []any {
	l, _ := at(v, path...).([]any)
	return l
}

// flag returns the boolean at a path, or otherwise.
func flag(otherwise bool, v any, path ...string) bool {
	b, ok := at(v, path...).(bool)
	if !ok {
		return otherwise
	}
	return b
}

// number returns the whole number at a path, or otherwise.
func number(otherwise int64, v any, path ...string) int64 {
	switch n := at(v, path...).(type) {
	case json.Number:
		if i, err := n.Int64(); err == nil {
			return i
		}
	case int:
		return int64(n)
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return otherwise
}

// texts returns the strings of the array at a path.
func texts(v any, path ...string) []string {
	var out []string
	for _, e := range list(v, path...) {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// with returns a copy of o with the given members, leaving out those that are nil.
func with(o, members object) object {
	out := maps.Clone(o)
	if out == nil {
		out = object{}
	}
	for name, v := range members {
		if v == nil {
			delete(out, name)
			continue
		}
		out[name] = v
	}
	return out
}

// without returns a copy of o that lacks the named members.
func without(o object, names ...string) object {
	out := maps.Clone(o)
	for _, n := range names {
		delete(out, n)
	}
	return out
}

// canonical is the same text for equal values: JSON with sorted keys.
func canonical(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// project copies of v what the model's shape has, deep, and brings timestamps into the form JSON
// protocols send: seconds since the epoch. What the shape lacks never reaches a client.
func project(sh *awsmodel.Shape, v any) any {
	switch sh.Type {
	case "structure":
		o, ok := v.(object)
		if !ok {
			return nil
		}
		out := object{}
		for _, m := range sh.Members {
			if e, has := o[m.Name]; has && e != nil {
				if p := project(m.Shape, e); p != nil {
					out[m.Name] = p
				}
			}
		}
		return out
	case "list":
		return projectList(sh, v)
	case "map":
		o, ok := v.(object)
		if !ok {
			return nil
		}
		out := object{}
		for _, k := range slices.Sorted(maps.Keys(o)) {
			out[k] = project(sh.Value, o[k])
		}
		return out
	case "timestamp":
		return epoch(v)
	}
	return v
}

func projectList(sh *awsmodel.Shape, v any) any {
	l, ok := v.([]any)
	if !ok {
		return nil
	}
	out := make([]any, len(l))
	for i, e := range l {
		out[i] = project(sh.Element, e)
	}
	return out
}

// epoch turns a time, or the text isoTime made of one, into seconds with milliseconds.
func epoch(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil
	}
	return json.Number(strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64))
}

// anys turns strings into an array as objects hold it.
func anys(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}
