package awsmodel_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

func get(tb testing.TB, service string) *awsmodel.Service {
	tb.Helper()
	s, err := awsmodel.Get(service)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// input decodes JSON.
func input(tb testing.TB, text string) map[string]any {
	tb.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		tb.Fatal(err)
	}
	return m
}

func TestServices(t *testing.T) {
	want := map[string]int{"appstream": 89, "ec2": 29, "imagebuilder": 77, "logs": 4, "ssm": 10, "sts": 3}
	for _, name := range awsmodel.Services() {
		s, n, last := get(t, name), 0, ""
		for op := range s.Operations() {
			if op.Name <= last {
				t.Errorf("%s: %s comes behind %s", name, op.Name, last)
			}
			n, last = n+1, op.Name
			if op.Method == "" || op.URI == "" {
				t.Errorf("%s: %s has no method or no path", name, op.Name)
			}
			for _, e := range op.Errors {
				if sh, ok := s.Shape(e); !ok || !sh.Exception {
					t.Errorf("%s: %s answers %s, which is no error of the model", name, op.Name, e)
				}
			}
		}
		if n != want[name] {
			t.Errorf("%s has %d operations, want %d", name, n, want[name])
		}
	}
	if _, err := awsmodel.Get("lambda"); err == nil || !strings.Contains(err.Error(), `"lambda"`) {
		t.Errorf("Get(lambda): %v", err)
	}
}

// Patterns with back references cannot be told. A new one has to be looked at before it joins them.
func TestPatternsCompile(t *testing.T) {
	for _, name := range awsmodel.Services() {
		var want []string
		if name == "ssm" {
			want = []string{"StringDateTime"}
		}
		if got := awsmodel.Untold(get(t, name)); !slices.Equal(got, want) {
			t.Errorf("%s: these patterns cannot be told: %v, want %v", name, got, want)
		}
	}
}

func TestModelOrderAndMembers(t *testing.T) {
	op, ok := get(t, "imagebuilder").Operation("CreateComponent")
	if !ok {
		t.Fatal("CreateComponent is missing")
	}
	var names []string
	for _, m := range op.Input.Members {
		names = append(names, m.Name)
	}
	want := "name semanticVersion description changeDescription platform supportedOsVersions data uri kmsKeyId tags clientToken dryRun"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("members are\n%s, want\n%s", got, want)
	}
	if m, ok := op.Input.Member("clientToken"); !ok || !m.IdempotencyToken || !m.Required {
		t.Errorf("clientToken is %+v", m)
	}
	del, _ := get(t, "imagebuilder").Operation("DeleteComponent")
	if m := del.Input.Members[0]; m.Location != "querystring" || m.LocationName != "componentBuildVersionArn" || del.Method != "DELETE" {
		t.Errorf("DeleteComponent is %s with %+v", del.Method, m)
	}
}

func TestMatchPattern(t *testing.T) {
	for _, c := range []struct {
		service, shape, value string
		want                  bool
	}{
		{"imagebuilder", "TagKey", "team", true},
		{"imagebuilder", "TagKey", "aws:team", false},
		{"imagebuilder", "TagKey", "my aws:team", true},
		{"imagebuilder", "TagKey", "team!", false},
		{"imagebuilder", "HttpTokens", "required", true},
		{"imagebuilder", "HttpTokens", "not-required", false},
		{"imagebuilder", "ResourceName", "a b", true},
		{"imagebuilder", "ResourceName", "ab ", false},
		{"imagebuilder", "ComponentVersionArnOrBuildVersionArn", "arn:aws:imagebuilder:eu-west-1:third-party:component/x/x.x.x", true},
		{"imagebuilder", "ComponentVersionArnOrBuildVersionArn", "arn:aws:imagebuilder:eu-west-1:nobody:component/x/x.x.x", false},
		{"imagebuilder", "Timezone", "America/Argentina/Buenos_Aires", true},
		{"ssm", "ParameterStringFilterKey", "Name", true},
	} {
		sh, ok := get(t, c.service).Shape(c.shape)
		if !ok {
			t.Errorf("%s has no shape %s", c.service, c.shape)
			continue
		}
		if got := sh.MatchPattern(c.value); got != c.want {
			t.Errorf("%s %q: %v, want %v (%s)", c.shape, c.value, got, c.want, sh.Pattern)
		}
	}
}

func TestErrorStatus(t *testing.T) {
	for _, c := range []struct {
		service, code string
		want          int
	}{
		{"imagebuilder", "ResourceNotFoundException", 404},
		{"imagebuilder", "DryRunOperationException", 412},
		{"imagebuilder", "CallRateLimitExceededException", 429},
		{"imagebuilder", "ServiceQuotaExceededException", 402},
		{"imagebuilder", "ThrottlingException", 400},
		{"imagebuilder", "UnknownOperationException", 404},
		{"imagebuilder", "InternalFailure", 500},
		{"imagebuilder", "SomethingNew", 400},
		{"sts", "IDPRejectedClaim", 403},
		{"sts", "IDPRejectedClaimException", 403},
		{"appstream", "ResourceNotFoundException", 404},
		{"nowhere", "ExpiredTokenException", 403},
	} {
		if got := awsmodel.ErrorStatus(c.service, c.code); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.service, c.code, got, c.want)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			op, _ := get(t, "imagebuilder").Operation("CreateImageRecipe")
			if f := op.CheckShape(map[string]any{"name": "web", "semanticVersion": "1.0.0", "parentImage": "ami-0123456789abcdef0"}); len(f) > 0 {
				t.Errorf("refused: %+v", f)
			}
		})
	}
	wg.Wait()
}

func TestDescribe(t *testing.T) {
	s := get(t, "imagebuilder")
	for name, want := range map[string]string{
		"Platform":             "one of Windows, Linux, macOS",
		"NonEmptyString":       "1 to 1024 characters",
		"ResourceName":         "3 to 128 characters of letters, digits, -, _ and spaces, with no space at either end",
		"EbsVolumeSizeInteger": "a whole number from 1 to 16000",
		"MaxParallelLaunches":  "a whole number of at least 1",
		"OsVersionList":        "a list of 1 to 25 entries, each at least 1 character",
		"TagMap":               "a map of 1 to 50 entries",
		"InlineComponentData":  "1 to 16000 characters",
		"EmptyString":          "the empty string",
		"NullableBoolean":      "true or false",
		"S3Logs":               "an object with s3BucketName, s3KeyPrefix",
		"InstanceTypeList":     "a list of any number of entries, each text",
		"ContainerType":        "DOCKER",
	} {
		sh, ok := s.Shape(name)
		if !ok {
			t.Errorf("no shape %s", name)
			continue
		}
		if got := sh.Describe(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// Other services refuse in the words of AWS's common front end, or with codes of their own.
func TestOtherServices(t *testing.T) {
	for _, c := range []struct{ service, op, input, want string }{
		{"ssm", "PutParameter", `{"Name":"/a"}`, "Value ValidationException 1 validation error detected: Value at 'Value' failed to satisfy constraint: Value is required"},
		{"ec2", "CreateTags", `{"Resources":["i-1"]}`, "Tags MissingParameter 1 validation error detected: Value at 'Tags' failed to satisfy constraint: Tags is required"},
		{"sts", "GetCallerIdentity", `{"A":1}`, "A ValidationError 1 validation error detected: Value at 'A' failed to satisfy constraint: There is no such parameter"},
		{"logs", "GetLogEvents", `{"logStreamName":""}`, "logStreamName InvalidParameterException 1 validation error detected: Value at 'logStreamName' failed to satisfy constraint: It must not be empty"},
	} {
		op, ok := get(t, c.service).Operation(c.op)
		if !ok {
			t.Errorf("%s has no %s", c.service, c.op)
			continue
		}
		found := op.CheckShape(input(t, c.input))
		if len(found) != 1 {
			t.Errorf("%s %s: %+v", c.op, c.input, found)
			continue
		}
		f := found[0]
		if got := f.Path + " " + f.Code + " " + f.Message; !strings.HasPrefix(got, c.want) {
			t.Errorf("%s %s: %s, want %s", c.op, c.input, got, c.want)
		}
	}
}
