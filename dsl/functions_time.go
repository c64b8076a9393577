package dsl

import (
	"fmt"
	"time"

	"github.com/lestrrat-go/strftime"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

func (l *loader) timeFunctions() map[string]function.Function {
	return map[string]function.Function{
		"formatdate": stdlib.FormatDateFunc,
		"timeadd":    stdlib.TimeAddFunc,
		"timestamp": textFunc(nil, func([]string) (string, error) {
			return l.host.Now.UTC().Format(time.RFC3339), nil
		}),
		"legacy_isotime":       l.isotimeFunc(),
		"legacy_strftime":      l.strftimeFunc(),
		"rfc3339_parse":        rfc3339Func(),
		"unix_timestamp_parse": unixFunc(),
		"env":                  notHereFunc(),
	}
}

// optionalText is a function of at most one text.
func optionalText(impl func(given bool, s string) (string, error)) function.Function {
	return function.New(&function.Spec{
		VarParam: &function.Parameter{Name: "format", Type: cty.String},
		Type:     function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if len(args) > 1 {
				return cty.NilVal, function.NewArgErrorf(1, "at most one format can be given")
			}
			layout := ""
			if len(args) == 1 {
				layout = args[0].AsString()
			}
			s, err := impl(len(args) == 1, layout)
			return cty.StringVal(s), err
		},
	})
}

func (l *loader) isotimeFunc() function.Function {
	return optionalText(func(given bool, layout string) (string, error) {
		if !given {
			layout = time.RFC3339
		}
		return l.host.Now.UTC().Format(layout), nil
	})
}

func (l *loader) strftimeFunc() function.Function {
	return optionalText(func(_ bool, layout string) (string, error) {
		s, err := strftime.Format(layout, l.host.Now.UTC())
		if err != nil {
			return "", fmt.Errorf("formatting the time: %w", err)
		}
		return s, nil
	})
}

// momentType is what the parsing functions yield.
func momentType() cty.Type {
	attrs := map[string]cty.Type{}
	for name := range momentValues(time.Time{}) {
		attrs[name] = cty.Number
	}
	return cty.Object(attrs)
}

func momentValues(t time.Time) map[string]cty.Value {
	_, week := t.ISOWeek()
	out := map[string]cty.Value{}
	for name, n := range map[string]int64{
		"year": int64(t.Year()), "month": int64(t.Month()), "day": int64(t.Day()),
		"hour": int64(t.Hour()), "minute": int64(t.Minute()), "second": int64(t.Second()),
		"weekday": int64(t.Weekday()), "yearday": int64(t.YearDay()), "iso_week": int64(week), "unix": t.Unix(),
	} {
		out[name] = cty.NumberIntVal(n)
	}
	return out
}

func rfc3339Func() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "timestamp", Type: cty.String}},
		Type:   function.StaticReturnType(momentType()),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			t, err := time.Parse(time.RFC3339, args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(0, "%q is not a time like 2006-01-02T15:04:05Z", args[0].AsString())
			}
			return cty.ObjectVal(momentValues(t)), nil
		},
	})
}

func unixFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "unix_timestamp", Type: cty.Number}},
		Type:   function.StaticReturnType(momentType()),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			n, _ := args[0].AsBigFloat().Int64()
			return cty.ObjectVal(momentValues(time.Unix(n, 0).UTC())), nil
		},
	})
}
