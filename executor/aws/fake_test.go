package aws_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/awsmodel"
)

type object = map[string]any

// A fake answers the real SDK in process, without a socket, so that it works under a false clock.
// It counts calls, and holds just enough of Image Builder for what is tested here; that the real
// protocol is spoken is tested against the sandbox.
type fake struct {
	mu     sync.Mutex
	calls  map[string]int
	times  []time.Time
	fail   map[string][]refusal // the next answers of an operation
	things map[string]object    // by ARN, builds and versions included
	tokens map[string]string    // clientToken -> input and ARN
	logs   map[string][]string  // group/stream -> lines
	stages []stage              // what images go through
	page   int
	delay  map[string]time.Duration
	always func(op string, in object) (object, *refusal) // first, where set
}

type refusal struct {
	status        int
	code, message string
}

type stage struct {
	state string
	lasts time.Duration
}

const (
	region  = "eu-west-1"
	account = "123456789012"
)

func newFake() *fake {
	return &fake{
		calls: map[string]int{}, fail: map[string][]refusal{}, things: map[string]object{}, tokens: map[string]string{}, logs: map[string][]string{}, page: 25,
		stages: []stage{{"PENDING", 5 * time.Second}, {"BUILDING", 20 * time.Minute}, {"TESTING", 5 * time.Minute}, {"AVAILABLE", 0}},
	}
}

func (f *fake) clients(tb testing.TB) *aws.Clients {
	tb.Helper()
	return f.paced(tb, 0)
}

func (f *fake) paced(tb testing.TB, perSecond float64) *aws.Clients {
	tb.Helper()
	c, err := aws.New(tb.Context(), aws.Config{
		Region: region, Endpoint: "http://aws.invalid", KeyID: "AKIDEXAMPLE", SecretKey: "a secret that no error may hold",
		HTTP: &http.Client{Transport: f}, CallsPerSecond: perSecond,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func (f *fake) count(ops ...string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for op, c := range f.calls {
		if len(ops) == 0 || slices.Contains(ops, op) {
			n += c
		}
	}
	return n
}

// RoundTrip answers one request.
func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	op, in := decode(r, body)
	select {
	case <-time.After(f.delay[op]):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[op]++
	f.times = append(f.times, time.Now())
	if q := f.fail[op]; len(q) > 0 {
		f.fail[op] = q[1:]
		if q[0].code != "" {
			return answer(r, q[0].status, q[0].code, object{"message": q[0].message}), nil
		}
	}
	if f.always != nil {
		out, no := f.always(op, in)
		if no != nil {
			return answer(r, no.status, no.code, object{"message": no.message}), nil
		}
		if out != nil {
			return answer(r, 200, "", out), nil
		}
	}
	if op == "GetCallerIdentity" {
		return response(r, 200, "text/xml", "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/u</Arn><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"), nil
	}
	out, no := f.do(op, in)
	if no != nil {
		return answer(r, no.status, no.code, object{"message": no.message}), nil
	}
	return answer(r, 200, "", out), nil
}

func decode(r *http.Request, body []byte) (op string, in object) {
	in = object{}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		op = target[strings.LastIndexByte(target, '.')+1:]
	} else if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, _ := url.ParseQuery(string(body))
		return form.Get("Action"), in
	} else {
		op = strings.Trim(r.URL.Path, "/")
	}
	for k, v := range r.URL.Query() {
		in[k] = v[0]
	}
	if len(body) > 0 {
		_ = json.Unmarshal(body, &in)
	}
	if strings.Contains(op, "/") {
		op = r.Method + " in " + strings.Split(r.Header.Get("Authorization"), "/")[2]
		in["path"] = r.URL.Path
		in["body"] = string(body)
	}
	return op, in
}

func answer(r *http.Request, status int, code string, out object) *http.Response {
	b, _ := json.Marshal(out)
	res := response(r, status, "application/json", string(b))
	if code != "" {
		res.Header.Set("X-Amzn-ErrorType", code)
	}
	res.Header.Set("X-Amzn-RequestId", "11112222-3333")
	if status == http.StatusMovedPermanently {
		res.Header.Set("X-Amz-Bucket-Region", "us-west-2")
	}
	return res
}

func response(r *http.Request, status int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(bytes.NewBufferString(body)), ContentLength: int64(len(body)),
	}
}

var noun = map[string]string{
	"Component": "component", "ImageRecipe": "image-recipe", "InfrastructureConfiguration": "infrastructure-configuration",
	"DistributionConfiguration": "distribution-configuration", "ImagePipeline": "image-pipeline",
}

var lists = map[string]string{
	"ListComponentBuildVersions": "componentSummaryList", "ListImageRecipes": "imageRecipeSummaryList", "ListImageBuildVersions": "imageSummaryList",
	"ListInfrastructureConfigurations": "infrastructureConfigurationSummaryList", "ListDistributionConfigurations": "distributionConfigurationSummaryList",
	"ListImagePipelines": "imagePipelineList",
}

func (f *fake) do(op string, in object) (object, *refusal) {
	switch {
	case op == "CreateImage":
		return f.createImage(in)
	case op == "CancelImageCreation":
		f.things[in["imageBuildVersionArn"].(string)]["canceled"] = true
		return in, nil
	case strings.HasPrefix(op, "Create"):
		return f.create(strings.TrimPrefix(op, "Create"), in)
	case op == "GetImage":
		return f.get("image", in["imageBuildVersionArn"])
	case op == "ListWorkflowExecutions":
		return object{"workflowExecutions": []any{object{"workflowExecutionId": "wf-1", "status": "RUNNING"}}}, nil
	case op == "ListWorkflowStepExecutions":
		return object{"steps": []any{object{"name": "Launch", "status": "COMPLETED"}, object{"name": "ExecuteComponents", "action": "ExecuteComponents", "status": "RUNNING"}}}, nil
	case op == "GetLogEvents":
		return f.getLogEvents(in)
	case lists[op] != "":
		return f.list(op, in)
	case strings.HasPrefix(op, "Get"):
		root := strings.ToLower(op[3:4]) + op[4:]
		for k, v := range in {
			if strings.HasSuffix(k, "Arn") {
				return f.get(root, v)
			}
		}
	}
	return nil, &refusal{404, "UnknownOperationException", op}
}

func (f *fake) create(what string, in object) (object, *refusal) {
	arn := fmt.Sprintf("arn:aws:imagebuilder:%s:%s:%s/%s", region, account, noun[what], awsmodel.NormalizeName(in["name"].(string)))
	if v, ok := in["semanticVersion"]; ok {
		arn += "/" + v.(string)
	}
	if _, ok := f.things[arn]; ok {
		return nil, &refusal{400, "ResourceAlreadyExistsException", "it exists"}
	}
	thing := object{"arn": arn}
	maps.Copy(thing, in)
	f.things[arn] = thing
	if what == "Component" {
		thing["arn"] = arn + "/1"
		f.things[arn+"/1"] = thing
		return object{"componentBuildVersionArn": arn + "/1"}, nil
	}
	return object{strings.ToLower(what[:1]) + what[1:] + "Arn": arn}, nil
}

func (f *fake) createImage(in object) (object, *refusal) {
	recipe := in["imageRecipeArn"].(string)
	token := in["clientToken"].(string)
	params, _ := json.Marshal(in)
	sum := fmt.Sprintf("%x", sha256.Sum256(params))
	if seen, ok := f.tokens[token]; ok {
		was, arn, _ := strings.Cut(seen, " ")
		if was != sum {
			return nil, &refusal{400, "IdempotentParameterMismatchException", "other parameters"}
		}
		return object{"imageBuildVersionArn": arn}, nil
	}
	version := strings.Replace(recipe, ":image-recipe/", ":image/", 1)
	n := 1
	for f.things[fmt.Sprint(version, "/", n)] != nil {
		n++
	}
	arn := fmt.Sprint(version, "/", n)
	name := strings.Split(version, "/")[1]
	if r := f.things[recipe]; r != nil {
		name = r["name"].(string)
	}
	f.things[arn] = object{"arn": arn, "name": name, "began": time.Now(), "tags": in["tags"], "stages": f.stages}
	f.tokens[token] = sum + " " + arn
	return object{"imageBuildVersionArn": arn}, nil
}

// view is a thing as AWS shows it now.
func view(thing object) object {
	out := object{}
	for k, v := range thing {
		switch k {
		case "began", "stages", "canceled", "clientToken":
		default:
			out[k] = v
		}
	}
	began, ok := thing["began"].(time.Time)
	if !ok {
		return out
	}
	state, at := "", began
	for _, s := range thing["stages"].([]stage) {
		if state = s.state; time.Now().Before(at.Add(s.lasts)) {
			break
		}
		at = at.Add(s.lasts)
	}
	if thing["canceled"] == true {
		state = "CANCELLED"
	}
	out["state"] = object{"status": state, "reason": thing["reason"], "failureContext": thing["context"]}
	if state != "FAILED" {
		out["state"] = object{"status": state}
	}
	if state == "AVAILABLE" {
		out["outputResources"] = object{"amis": []any{
			object{"region": region, "image": "ami-0123456789abcdef0", "accountId": account}, object{"region": "eu-central-1", "image": "ami-1", "accountId": account},
		}}
	}
	return out
}

func (f *fake) get(root string, arn any) (object, *refusal) {
	thing, ok := f.things[fmt.Sprint(arn)]
	if !ok {
		return nil, &refusal{404, "ResourceNotFoundException", fmt.Sprintf("%v cannot be found.", arn)}
	}
	return object{root: view(thing)}, nil
}

func (f *fake) list(op string, in object) (object, *refusal) {
	kind := map[string]string{"ListImageBuildVersions": "image", "ListComponentBuildVersions": "component"}[op]
	for what, k := range noun {
		if op == "List"+what+"s" {
			kind = k
		}
	}
	var arns []string
	version, one := in["imageVersionArn"].(string)
	for arn, thing := range f.things {
		if strings.Contains(arn, ":"+kind+"/") && thing["arn"] == arn && (!one || strings.HasPrefix(arn, version+"/")) {
			arns = append(arns, arn)
		}
	}
	slices.Sort(arns)
	from := 0
	if next, ok := in["nextToken"].(string); ok {
		_, _ = fmt.Sscan(next, &from)
	}
	out := object{}
	var items []any
	for _, arn := range arns[from:min(from+f.page, len(arns))] {
		items = append(items, view(f.things[arn]))
	}
	out[lists[op]] = items
	if from+f.page < len(arns) {
		out["nextToken"] = strconv.Itoa(from + f.page)
	}
	return out, nil
}

func (f *fake) getLogEvents(in object) (object, *refusal) {
	lines, ok := f.logs[fmt.Sprint(in["logGroupName"], " ", in["logStreamName"])]
	if !ok {
		return nil, &refusal{400, "ResourceNotFoundException", "The specified log stream does not exist."}
	}
	from := 0
	if t, ok := in["nextToken"].(string); ok {
		_, _ = fmt.Sscanf(t, "f/%d", &from)
	}
	to := min(len(lines), from+100)
	var events []any
	for _, l := range lines[from:to] {
		events = append(events, object{"timestamp": time.Now().UnixMilli(), "message": l})
	}
	return object{"events": events, "nextForwardToken": fmt.Sprintf("f/%d", to)}, nil
}
