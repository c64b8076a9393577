package rules_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	_ "time/tzdata" // as the program carries it

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// input decodes JSON; the text "?" stands for Unknown.
func input(tb testing.TB, text string) map[string]any {
	tb.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
	return later(m).(map[string]any)
}

func later(v any) any {
	switch x := v.(type) {
	case string:
		if x == "?" {
			return awsmodel.Unknown{}
		}
	case []any:
		for i := range x {
			x[i] = later(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = later(x[k])
		}
	}
	return v
}

func service(tb testing.TB, name string) *awsmodel.Service {
	tb.Helper()
	s, err := awsmodel.Get(name)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func operation(tb testing.TB, name string) *awsmodel.Operation {
	tb.Helper()
	op, ok := service(tb, "imagebuilder").Operation(name)
	if !ok {
		tb.Fatalf("no operation %s", name)
	}
	return op
}

// changed is the base input of the operation with some members replaced; null removes one.
func changed(tb testing.TB, op, change string) map[string]any {
	tb.Helper()
	in := input(tb, base[op])
	for k, v := range input(tb, change) {
		if v == nil {
			delete(in, k)
		} else {
			in[k] = v
		}
	}
	return in
}

// here is where the calls are made.
var here = rules.Place{Region: "eu-west-1", Account: "123456789012"}

// TestRules runs every case of the table. What AWS would say is in testdata/findings.golden.
func TestRules(t *testing.T) {
	var golden bytes.Buffer
	for _, c := range ruleCases {
		in := changed(t, c.op, c.change)
		found := rules.Check(operation(t, c.op), in, here)
		var paths []string
		if len(found) > 0 {
			fmt.Fprintf(&golden, "%s %s\n", c.op, abridged(c.change))
		}
		for _, f := range found {
			paths = append(paths, f.Path)
			fmt.Fprintf(&golden, "    %q %s\n    %s\n    %s\n", f.Path, f.Code, f.Message, f.Advice)
			if f.Rule != nil {
				fmt.Fprintf(&golden, "    [%s]\n", f.Rule.ID)
			}
			golden.WriteByte('\n')
		}
		if got := fmt.Sprintf("%q", paths); got != fmt.Sprintf("%q", c.refused) {
			t.Errorf("%s %s\nrefused at %s, want %q", c.op, c.change, got, c.refused)
		}
	}
	compareGolden(t, "findings.golden", golden.Bytes())
}

// abridged keeps the golden file readable where an input is long to be too long.
func abridged(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update and read the difference.\n%s", path, got)
	}
}

func TestBaseInputsAreAccepted(t *testing.T) {
	for op, text := range base {
		if f := rules.Check(operation(t, op), input(t, text), here); len(f) > 0 {
			t.Errorf("%s: %+v", op, f)
		}
		// What is known later is accepted everywhere, so no reference can be refused before it is one.
		in := input(t, text)
		for k := range maps.Clone(in) {
			in[k] = awsmodel.Unknown{}
		}
		if f := rules.Check(operation(t, op), in, here); len(f) > 0 {
			t.Errorf("%s with all unknown: %+v", op, f)
		}
	}
}

// These are the service's own texts, as its clients have reported them.
func TestObservedMessages(t *testing.T) {
	for _, c := range []struct{ op, change, want string }{
		{
			"CreateComponent", `{"semanticVersion":"1.0.x"}`,
			`The value supplied for parameter 'semanticVersion' is not valid. semanticVersion must match pattern ^[0-9]+\.[0-9]+\.[0-9]+$`,
		},
		{
			"CreateDistributionConfiguration", `{"distributions":[{"region":"eu-west-1"}]}`,
			`The value supplied for parameter 'distributions[0]' is not valid. One or more outputs should be provided for each region in a distribution configuration.`,
		},
		{
			"CreateImage", `{"executionRole":"r","workflows":[{"workflowArn":"` + managedTest + `1.0.0"}]}`,
			`The value supplied for parameter 'workflows' is not valid. AWS managed workflows must have latest version 'x.x.x' for '` + managedTest + `1.0.0'`,
		},
	} {
		found := rules.Check(operation(t, c.op), changed(t, c.op, c.change), here)
		if len(found) != 1 || found[0].Message != c.want || found[0].Code != "InvalidParameterValueException" {
			t.Errorf("%s %s: %+v, want %q", c.op, c.change, found, c.want)
		}
	}
}
