package aws

import (
	"encoding/base64"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/org/imagebuild-action/planner"
)

// lowerMembers are the services whose members begin with a small letter on the wire; the SDK's
// fields, made from the same model, differ from them in that alone.
var lowerMembers = map[string]bool{"imagebuilder": true, "logs": true} //nolint:gochecknoglobals // a table, never written

// lowerStructures are the structures of other services whose members begin with a small letter: AppStream has five.
var lowerStructures = map[string]bool{ //nolint:gochecknoglobals // a table, never written
	"BatchAssociateUserStackOutput": true, "BatchDisassociateUserStackOutput": true, "CreateUpdatedImageOutput": true,
	"ImagePermissions": true, "SharedImagePermissions": true,
}

// wire turns an SDK output into the wire's vocabulary. What AWS did not say is left out.
func wire(name planner.Op, out any) map[string]any {
	service, _, _ := strings.Cut(string(name), ":")
	w := writer{lower: lowerMembers[service]}
	m, ok := w.value(reflect.ValueOf(out)).(map[string]any)
	if !ok {
		return map[string]any{}
	}
	return m
}

type writer struct{ lower bool }

// value returns nil for what is absent.
func (w writer) value(v reflect.Value) any {
	switch v.Kind() { //nolint:exhaustive // the models have no other shapes; a new one would be absent
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return w.value(v.Elem())
	case reflect.Struct:
		if t, ok := reflect.TypeAssert[time.Time](v); ok {
			return t.UTC().Format(time.RFC3339Nano)
		}
		return w.structure(v)
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		m := make(map[string]any, v.Len())
		for it := v.MapRange(); it.Next(); {
			m[it.Key().String()] = w.value(it.Value())
		}
		return m
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return base64.StdEncoding.EncodeToString(v.Bytes())
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = w.value(v.Index(i))
		}
		return list
	case reflect.String:
		if v.Len() == 0 && v.Type() != reflect.TypeFor[string]() {
			return nil // an enumeration that was not given
		}
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Float32, reflect.Float64:
		return v.Float()
	}
	return nil
}

func (w writer) structure(v reflect.Value) map[string]any {
	m := map[string]any{}
	lower := w.lower || lowerStructures[v.Type().Name()]
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		if e := w.value(v.Field(i)); e != nil {
			m[memberOf(f.Name, lower)] = e
		}
	}
	return m
}

func memberOf(field string, lower bool) string {
	if !lower {
		return field
	}
	r, n := utf8.DecodeRuneInString(field)
	return string(unicode.ToLower(r)) + field[n:]
}
