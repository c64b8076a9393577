package dsl

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/go-cty-funcs/cidr"
	"github.com/hashicorp/go-cty-funcs/collection"
	"github.com/hashicorp/go-cty-funcs/crypto"
	"github.com/hashicorp/go-cty-funcs/encoding"
	"github.com/hashicorp/go-cty-funcs/filesystem"
	"github.com/hashicorp/go-cty-funcs/uuid"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// Functions are the names of all functions, sorted; env is for the defaults of variables alone.
func Functions() []string {
	l := &loader{}
	return slices.Sorted(maps.Keys(l.makeFunctions()))
}

// makeFunctions makes the functions of one load: Packer's, under its names and with its meanings.
func (l *loader) makeFunctions() map[string]function.Function {
	all := map[string]function.Function{}
	for _, group := range []map[string]function.Function{
		numberFunctions(), textFunctions(), collectionFunctions(), encodingFunctions(),
		networkFunctions(), l.fileFunctions(), l.timeFunctions(),
	} {
		maps.Copy(all, group)
	}
	for _, name := range []string{"timestamp", "legacy_isotime", "legacy_strftime", "uuidv4", "bcrypt"} {
		all[name] = l.recorded(name, all[name])
	}
	for name, f := range all {
		if name != "can" && name != "try" { // these evaluate their arguments themselves
			all[name] = l.observed(name, f)
		}
	}
	return all
}

func numberFunctions() map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "log": stdlib.LogFunc,
		"max": stdlib.MaxFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc,
		"range": stdlib.RangeFunc, "signum": stdlib.SignumFunc, "sum": sumFunc(),
		"cidrhost": cidr.HostFunc, "cidrnetmask": cidr.NetmaskFunc, "cidrsubnet": cidr.SubnetFunc, "cidrsubnets": cidr.SubnetsFunc,
	}
}

func textFunctions() map[string]function.Function {
	return map[string]function.Function{
		"chomp": stdlib.ChompFunc, "endswith": endsWithFunc(),
		"format": bounded(stdlib.FormatFunc, modestFormat), "formatlist": bounded(stdlib.FormatListFunc, modestFormat),
		"indent": bounded(stdlib.IndentFunc, modestIndent), "join": stdlib.JoinFunc, "lower": stdlib.LowerFunc,
		"regex": stdlib.RegexFunc, "regex_replace": stdlib.RegexReplaceFunc, "regexall": stdlib.RegexAllFunc, "replace": stdlib.ReplaceFunc,
		"split": stdlib.SplitFunc, "startswith": startsWithFunc(), "strcontains": containsTextFunc(), "strrev": stdlib.ReverseFunc,
		"substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc,
		"trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc,
	}
}

func collectionFunctions() map[string]function.Function {
	return map[string]function.Function{
		"alltrue": allTrueFunc(), "anytrue": anyTrueFunc(), "can": tryfunc.CanFunc, "chunklist": stdlib.ChunklistFunc,
		"coalesce": collection.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc,
		"concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "convert": typeexpr.ConvertFunc, "distinct": stdlib.DistinctFunc,
		"element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "index": indexFunc(), "keys": stdlib.KeysFunc,
		"length": lengthFunc(), "lookup": stdlib.LookupFunc, "merge": stdlib.MergeFunc, "reverse": stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc, "setproduct": bounded(stdlib.SetProductFunc, modestProduct),
		"setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "try": tryfunc.TryFunc,
		"values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
	}
}

func encodingFunctions() map[string]function.Function {
	return map[string]function.Function{
		"base64decode": encoding.Base64DecodeFunc, "base64encode": encoding.Base64EncodeFunc, "base64gzip": gzipFunc(),
		"bcrypt": bounded(crypto.BcryptFunc, modestCost), "csvdecode": stdlib.CSVDecodeFunc,
		"jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
		"md5": crypto.Md5Func, "rsadecrypt": crypto.RsaDecryptFunc, "sha1": crypto.Sha1Func, "sha256": crypto.Sha256Func, "sha512": crypto.Sha512Func,
		"textdecodebase64": textDecodeFunc(), "textencodebase64": textEncodeFunc(), "urlencode": encoding.URLEncodeFunc,
		"uuidv4": uuid.V4Func, "uuidv5": uuid.V5Func, "yamldecode": ctyyaml.YAMLDecodeFunc, "yamlencode": ctyyaml.YAMLEncodeFunc,
		"basename": filesystem.BasenameFunc, "dirname": filesystem.DirnameFunc,
	}
}

// networkFunctions ask other services in Packer. An expression here asks nobody.
func networkFunctions() map[string]function.Function {
	text := func(names ...string) []function.Parameter {
		var out []function.Parameter
		for _, n := range names {
			out = append(out, function.Parameter{Name: n, Type: cty.String, AllowNull: true})
		}
		return out
	}
	refuse := func(instead string, params []function.Parameter) function.Function {
		return function.New(&function.Spec{
			Params: params,
			Type:   function.StaticReturnType(cty.String),
			Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
				return cty.NilVal, errors.New("expressions have no network here; " + instead)
			},
		})
	}
	viaData := "use data \"amazon-secretsmanager\", or pass the value as a sensitive variable"
	variable := "pass the value as a sensitive variable"
	return map[string]function.Function{
		"aws_secretsmanager":     refuse(viaData, text("name", "key")),
		"aws_secretsmanager_raw": refuse(viaData, text("name")),
		"consul_key":             refuse(variable, text("key")),
		"vault":                  refuse(variable, text("path", "key")),
	}
}

// recorded notes each call of a function whose result is another at every run.
func (l *loader) recorded(name string, f function.Function) function.Function {
	return function.New(&function.Spec{
		Params:   f.Params(),
		VarParam: f.VarParam(),
		Type:     f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			l.impure = append(l.impure, name)
			return f.Call(args)
		},
	})
}

// reportImpure warns of calls, in an expression just evaluated, whose results change from run to
// run: what depends on them is rebuilt each time.
func (l *loader) reportImpure(e hcl.Expression) {
	if len(l.impure) == 0 {
		return
	}
	called := l.impure
	l.impure = nil
	found := false
	if native, ok := hcl.UnwrapExpression(e).(hclsyntax.Expression); ok {
		l.report(hclsyntax.VisitAll(native, func(n hclsyntax.Node) hcl.Diagnostics {
			call, isCall := n.(*hclsyntax.FunctionCallExpr)
			if !isCall || !slices.Contains(called, call.Name) {
				return nil
			}
			found = true
			return hcl.Diagnostics{impureWarning(call.Name, call.Range())}
		})...)
	}
	if !found {
		l.report(impureWarning(called[0], e.Range()))
	}
}

func impureWarning(name string, at hcl.Range) *hcl.Diagnostic {
	return warning(at, "Plan changes on every run", "%s() changes on every run, so whatever depends on it is rebuilt every time. "+
		"Remove it: versions and names follow from the content. Or pass a variable that changes when you want a rebuild.", name)
}

// bounded is a function that refuses arguments whose result would not fit in memory.
func bounded(f function.Function, check func(args []cty.Value) error) function.Function {
	return function.New(&function.Spec{
		Params:   f.Params(),
		VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			plain := make([]cty.Value, len(args))
			for i, a := range args {
				plain[i], _ = a.UnmarkDeep()
			}
			if err := check(plain); err != nil {
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

func atMost(what string, v cty.Value, limit int64) error {
	if v.IsNull() || !v.IsKnown() || v.Type() != cty.Number {
		return nil
	}
	if n, _ := v.AsBigFloat().Int64(); n > limit {
		return fmt.Errorf("%s is at most %d", what, limit)
	}
	return nil
}

func modestCost(args []cty.Value) error {
	if len(args) < 2 {
		return nil
	}
	return atMost("the cost", args[1], 15)
}

func modestIndent(args []cty.Value) error { return atMost("the indentation", args[0], 1000) }

func modestProduct(args []cty.Value) error {
	n := 1
	for _, a := range args {
		if a.IsKnown() && !a.IsNull() && a.CanIterateElements() {
			n *= max(1, a.LengthInt())
		}
		if n > maxDynamic {
			return fmt.Errorf("the product holds at most %d combinations", maxDynamic)
		}
	}
	return nil
}

// modestFormat refuses widths and precisions of more than four digits.
func modestFormat(args []cty.Value) error {
	if args[0].IsNull() || !args[0].IsKnown() || args[0].Type() != cty.String {
		return nil
	}
	digits, inVerb := 0, false
	for _, c := range args[0].AsString() {
		switch {
		case c == '%':
			digits, inVerb = 0, !inVerb
		case inVerb && c >= '0' && c <= '9':
			if digits++; digits > 4 {
				return errors.New("a width or precision has at most four digits")
			}
		case c == '.' || c == '[' || c == ']':
			digits = 0
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			inVerb = false
		}
	}
	return nil
}
