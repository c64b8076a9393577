package executor

import (
	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// resolve copies the object with every reference replaced by its value.
func resolve(o planner.Object, value func(dsl.Ref) any) planner.Object {
	if o == nil {
		return planner.Object{}
	}
	return planner.Object(replace(map[string]any(o), value).(map[string]any)) //nolint:forcetypeassert // a map stays one
}

func replace(v any, value func(dsl.Ref) any) any {
	switch v := v.(type) {
	case dsl.Ref:
		return value(v)
	case planner.Object:
		return replace(map[string]any(v), value)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = replace(e, value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = replace(e, value)
		}
		return out
	}
	return v
}
