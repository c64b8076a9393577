package report_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/report"
	"github.com/org/imagebuild-action/planner"
)

// fakeAWS records each call's arguments and the body it was handed, and answers as the CLI would.
const fakeAWS = `#!/bin/bash
n=$(ls "$RECORD" | wc -l)
call="$RECORD/$(printf %06d "$n")"
mkdir "$call"
printf '%s\0' "$@" >"$call/argv"
body= query= service=$1 operation=$2
while [ $# -gt 0 ]; do
  case $1 in
    --body) cp "$2" "$call/body" ;;
    --query) query=$2 ;;
  esac
  shift
done
case $service/$operation/$query in
  imagebuilder/get-image/image.state.status) echo "${IMAGE_STATE:-AVAILABLE}" ;;
  imagebuilder/get-image/image.state.reason) echo "it broke" ;;
  imagebuilder/get-image/image.arn) echo arn:found:image ;;
  imagebuilder/get-image/*amis*) echo "ami-$n" ;;
  ssm/get-parameter/*) echo ami-fromssm ;;
  */create-*/?*) echo "${ANSWER-arn:fake:$operation:$n}" ;;
esac
`

type awsCall struct {
	args  []string
	input map[string]any // of --cli-input-json
	body  []byte
}

func (c awsCall) name() string { return strings.Join(c.args[:2], " ") }

func (c awsCall) flag(name string) string {
	for i, a := range c.args {
		if a == name && i+1 < len(c.args) {
			return c.args[i+1]
		}
	}
	return ""
}

// runScript runs a plan's script with the fake CLI first on the path, in an empty directory.
func runScript(t *testing.T, script string, env ...string) (calls []awsCall, output string, err error) {
	t.Helper()
	bash, lookErr := exec.LookPath("bash")
	if lookErr != nil {
		t.Skip("bash is not installed")
	}
	dir, bin, record := t.TempDir(), t.TempDir(), t.TempDir()
	if err = os.WriteFile(filepath.Join(bin, "aws"), []byte(fakeAWS), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "plan.sh")
	if err = os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, checkErr := exec.CommandContext(t.Context(), bash, "-n", file).CombinedOutput(); checkErr != nil {
		t.Fatalf("bash -n: %v\n%s", checkErr, out)
	}
	cmd := exec.CommandContext(t.Context(), bash, file)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + bin + ":" + os.Getenv("PATH"), "RECORD=" + record, "POLL_SECONDS=0"}, env...)
	out, err := cmd.CombinedOutput()
	if left, readErr := os.ReadDir(dir); readErr != nil || len(left) > 0 {
		t.Errorf("the script left %v behind (%v)", left, readErr)
	}
	dirs, globErr := filepath.Glob(filepath.Join(record, "*"))
	if globErr != nil {
		t.Fatal(globErr)
	}
	for _, d := range dirs {
		raw, readErr := os.ReadFile(filepath.Join(d, "argv"))
		if readErr != nil {
			t.Fatal(readErr)
		}
		c := awsCall{args: strings.Split(strings.TrimSuffix(string(raw), "\x00"), "\x00")}
		if in := c.flag("--cli-input-json"); in != "" {
			if inputErr := json.Unmarshal([]byte(in), &c.input); inputErr != nil {
				t.Fatalf("%s: %v\n%s", c.name(), inputErr, in)
			}
		}
		if body, bodyErr := os.ReadFile(filepath.Join(d, "body")); bodyErr == nil {
			c.body = body
		}
		calls = append(calls, c)
	}
	return calls, string(out), err
}

// plain is an object as encoding/json reads it back.
func plain(t *testing.T, v any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestScriptMakesThePlansCalls(t *testing.T) {
	calls, out, err := runScript(t, plan(t, "aws-cli", webPlan()))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var names []string
	byName := map[string][]awsCall{}
	for _, c := range calls {
		names = append(names, c.name())
		byName[c.name()] = append(byName[c.name()], c)
		if c.flag("--region") != "eu-west-1" {
			t.Errorf("%s in region %q", c.name(), c.flag("--region"))
		}
	}
	want := []string{
		"s3api put-object", "imagebuilder create-component", "imagebuilder create-distribution-configuration",
		"imagebuilder get-image", "imagebuilder create-image-recipe", "imagebuilder create-image", // the look-up, then base
		"imagebuilder get-image", "imagebuilder get-image", "imagebuilder create-image-recipe", "imagebuilder create-image", // base awaited, its AMI, then web
		"imagebuilder update-image-pipeline", "imagebuilder get-image", "imagebuilder get-image",
	}
	if !reflect.DeepEqual(names, want) {
		t.Fatalf("calls:\n%s\nwant:\n%s", strings.Join(names, "\n"), strings.Join(want, "\n"))
	}
	if string(byName["s3api put-object"][0].body) != "hello\n" {
		t.Errorf("the staged file holds %q", byName["s3api put-object"][0].body)
	}
	recipes := byName["imagebuilder create-image-recipe"]
	if !reflect.DeepEqual(recipes[0].input, map[string]any{
		"name": "base", "semanticVersion": "1.0.x", "parentImage": "arn:found:image",
		"components": []any{
			map[string]any{"componentArn": "arn:aws:imagebuilder:eu-west-1:aws:component/update-linux/1.0.2/1"},
			map[string]any{"componentArn": "arn:fake:create-component:1"},
		},
	}) {
		t.Errorf("the first recipe: %v", recipes[0].input)
	}
	if got := recipes[1].input["parentImage"]; got != "ami-7" {
		t.Errorf("the second recipe is made from %v", got)
	}
	if got := byName["imagebuilder update-image-pipeline"][0].input["imagePipelineArn"]; got != "arn:aws:imagebuilder:eu-west-1:123456789012:image-pipeline/weekly" {
		t.Errorf("the pipeline updated is %v", got)
	}
	if !strings.Contains(out, "image.web arn:fake:create-image:") {
		t.Errorf("the script does not say what it made:\n%s", out)
	}
}

func TestScriptStops(t *testing.T) {
	script := plan(t, "aws-cli", webPlan())
	for _, c := range []struct {
		env, says string
		calls     int
	}{
		{"IMAGE_STATE=FAILED", "it broke", 8},
		{"ANSWER=None", `No usable component.base.arn: "None"`, 2},
		{"ANSWER=", "No usable component.base.arn", 2},
		{`ANSWER=a"b`, "No usable component.base.arn", 2},
	} {
		calls, out, err := runScript(t, script, c.env)
		if err == nil || !strings.Contains(out, c.says) || len(calls) != c.calls {
			t.Errorf("%s: %v after %d calls:\n%s", c.env, err, len(calls), out)
		}
	}
}

// randomText is made of what shells, JSON and terminals have a meaning for.
func randomText(r *rand.Rand) string {
	const alphabet = "'\"`$(){}[]\\!#&|;<>*?~=% \t\n\rabc\x00\x1b\x7fé€😀\u2028\u202e"
	runes := []rune(alphabet)
	var b strings.Builder
	for range r.IntN(24) {
		b.WriteRune(runes[r.IntN(len(runes))])
	}
	if r.IntN(3) == 0 {
		b.WriteString(hostile[r.IntN(len(hostile))])
	}
	return b.String()
}

// Whatever names, documents and files hold, the calls carry exactly the plan's inputs and nothing else is run.
func TestScriptCarriesAnyText(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	f := newFixture()
	var want []map[string]any
	var bodies []string
	for i := range 60 {
		in := planner.Object{
			"name": randomText(r), "data": randomText(r), "number": int64(r.IntN(1000)), "ratio": 0.5, "yes": true,
			"tags": map[string]any{randomText(r): randomText(r)}, "list": []any{randomText(r), []any{}, map[string]any{}},
		}
		name := strconv.Itoa(i) + randomText(r)
		c := change("component.x", component, planner.Create, in)
		c.Addr.Name = name
		f.add(randomText(r), randomText(r), c)
		up := change("staged_file.x", staged, planner.Create, planner.Object{"Bucket": randomText(r), "Key": dsl.Ref{Addr: c.Addr, Attr: "name"}})
		up.Addr.Name, up.Content = name, content(randomText(r))
		f.add("", randomText(r), up)
		want = append(want, plain(t, in), map[string]any{"Bucket": up.Input["Bucket"], "Key": in["name"]})
		bodies = append(bodies, string(up.Content.(content)))
	}
	calls, out, err := runScript(t, plan(t, "aws-cli", f.Plan))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(calls) != len(want) {
		t.Fatalf("%d calls, want %d", len(calls), len(want))
	}
	for i, c := range calls {
		if !reflect.DeepEqual(c.input, want[i]) {
			t.Errorf("call %d: %q\nwant %q", i, c.input, want[i])
		}
		if i%2 == 1 && string(c.body) != bodies[i/2] {
			t.Errorf("call %d carries %q, want %q", i, c.body, bodies[i/2])
		}
	}
}

func TestScriptExpectsLargeFiles(t *testing.T) {
	f := newFixture()
	big := strings.Repeat("0123456789abcdef", 5_000)
	c := f.add("", "new", change("staged_file.big", staged, planner.Create, planner.Object{"Bucket": "b", "Key": "k"}))
	c.Content = content(big)
	script := plan(t, "aws-cli", f.Plan)
	if calls, out, err := runScript(t, script); err == nil || len(calls) > 0 || !strings.Contains(out, "is missing or another") {
		t.Errorf("without the file: %v, %d calls\n%s", err, len(calls), out)
	}
	_, path, _ := strings.Cut(script, "expected as staged/")
	sum, _, _ := strings.Cut(path, ",")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, sum), []byte(big), 0o600); err != nil {
		t.Fatal(err)
	}
	calls, out, err := runScript(t, script, "STAGED_DIR="+dir)
	if err != nil || len(calls) != 1 || string(calls[0].body) != big {
		t.Errorf("with the file: %v, %d calls\n%s", err, len(calls), out)
	}
}

func TestScriptAsksForWhatNobodyKnows(t *testing.T) {
	f := newFixture()
	f.add("", "new", change("image_recipe.r", recipe, planner.Create, planner.Object{
		"name": "r", "semanticVersion": "1.0.0", "parentImage": dsl.Ref{Addr: dsl.Addr{Type: "data.amazon-ami", Name: `x"$(touch pwned)`}, Attr: "id"},
	}))
	script := plan(t, "aws-cli", f.Plan)
	if calls, out, err := runScript(t, script); err == nil || len(calls) > 0 || !strings.Contains(out, "No usable") {
		t.Errorf("without the variable: %v, %d calls\n%s", err, len(calls), out)
	}
	calls, out, err := runScript(t, script, "ib_data_amazon_ami_x_touch_pwned_id=ami-1")
	if err != nil || len(calls) != 1 || calls[0].input["parentImage"] != "ami-1" {
		t.Errorf("with it: %v, %v\n%s", err, calls, out)
	}
}

func TestScriptWithSecretsRefusesToRun(t *testing.T) {
	f := newFixture()
	f.Graph.Config.Secrets = []string{"hunter2!"}
	f.Graph.Config.Files = map[string]*hcl.File{}
	c := f.add("", "new", change("staged_file.x", staged, planner.Create, planner.Object{"Bucket": "b", "Key": "k"}))
	c.Content = content("password=hunter2!\n")
	b := &bytes.Buffer{}
	r := report.Redact(b, f.Graph.Config.Secrets)
	if err := report.PlanAWSCLI(r, f.Plan); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	calls, out, err := runScript(t, b.String())
	if err == nil || len(calls) > 0 || !strings.Contains(out, "Sensitive values are missing") || !strings.Contains(b.String(), "(sensitive)") {
		t.Errorf("%v, %d calls\n%s\n%s", err, len(calls), out, b.String())
	}
	c.Content = content("nothing of the kind")
	if script := plan(t, "aws-cli", f.Plan); strings.Contains(script, "exit 2") {
		t.Error("a script without sensitive values refuses to run")
	}
}

// What a script could not do is an error that names it, not a script that fails half way.
func TestScriptRefusals(t *testing.T) {
	for name, c := range map[string]*planner.Change{
		"image.a: it is being built, and the plan does not know under which ARN": change("image.a", image, planner.Wait, planner.Object{}),
		"component.a: the plan names no call to update it with":                  change("component.a", component, planner.Update, planner.Object{}),
		"component.a: a script cannot know image.gone.amis":                      change("component.a", component, planner.Create, planner.Object{"name": ref("image.gone", "amis")}),
	} {
		f := newFixture()
		f.add("", "", c)
		b := &strings.Builder{}
		if err := report.PlanAWSCLI(b, f.Plan); err == nil || !strings.Contains(err.Error(), name) || b.Len() > 0 {
			t.Errorf("%q: %v, %d bytes written", name, err, b.Len())
		}
	}
}
