package session

import (
	"encoding/base64"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/org/imagebuild-action/planner"
)

// Settings and inputs are plain values of a plan: what is not there is the zero value.

func textOf(o planner.Object, name string) string {
	s, _ := o[name].(string)
	return s
}

func truthOf(o planner.Object, name string) bool {
	b, _ := o[name].(bool)
	return b
}

func numberOf(o planner.Object, name string) int {
	switch n := o[name].(type) {
	case int:
		return n
	case int64:
		return int(n)
	case float64:
		return int(n)
	}
	return 0
}

func secondsOf(o planner.Object, name string) time.Duration {
	return time.Duration(numberOf(o, name)) * time.Second
}

func listOf(o planner.Object, name string) []string {
	list, _ := o[name].([]any)
	var out []string
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// objectOf is a member that is an object, whichever of its two types it has.
func objectOf(v any) planner.Object {
	switch v := v.(type) {
	case planner.Object:
		return v
	case map[string]any:
		return v
	}
	return nil
}

func textsOf(o planner.Object, name string) map[string]string {
	out := map[string]string{}
	for k, v := range objectOf(o[name]) {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

// sorted goes through a map by its keys.
func sorted[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
