package aws_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/internal/permissions"
	"github.com/org/imagebuild-action/planner"
	"github.com/org/imagebuild-action/planner/kind"
)

// A recorder stands before the sandbox and notes, for each call, what IAM would be asked: in words of its
// own, taken from requests and answers, not from the tables that policies are made of.
type recorder struct {
	next http.Handler

	mu    sync.Mutex
	asked []iampolicy.Request
	ours  map[string]bool // ARNs of what was made with our tag
}

const digestTag = "imagebuild:digest"

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	r.next.ServeHTTP(answer, req)
	r.mu.Lock()
	r.note(req, body, answer)
	r.mu.Unlock()
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (r *recorder) note(req *http.Request, body []byte, answer *httptest.ResponseRecorder) {
	scope := strings.Split(req.Header.Get("Authorization"), "/")
	if len(scope) < 4 {
		return // unsigned: components fetching their files in the sandbox
	}
	region, service := scope[2], scope[3]
	var in, out map[string]any
	_ = json.Unmarshal(body, &in) // what is no JSON is of another protocol
	_ = json.Unmarshal(answer.Body.Bytes(), &out)
	switch service {
	case "imagebuilder":
		r.imagebuilder(req, in, out)
	case "s3":
		bucket, key, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
		action, resource := map[string]string{"PUT": "s3:PutObject", "HEAD": "s3:GetObject", "GET": "s3:GetObject"}[req.Method], "arn:aws:s3:::"+bucket+"/"+key
		if key == "" {
			action, resource = "s3:ListBucket", "arn:aws:s3:::"+bucket
		}
		r.ask(action, resource, nil)
	case "ssm":
		names, _ := in["Names"].([]any)
		for _, n := range append(names, in["Name"]) {
			if name, ok := n.(string); ok {
				account := map[bool]string{true: "", false: account}[strings.HasPrefix(name, "/aws/")]
				_, op, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
				r.ask("ssm:"+op, "arn:aws:ssm:"+region+":"+account+":parameter/"+strings.TrimPrefix(name, "/"), nil)
			}
		}
	case "logs":
		_, op, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
		r.ask("logs:"+op, fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%v:log-stream:%v", region, account, in["logGroupName"], in["logStreamName"]), nil)
	case "ec2", "sts":
		form, _ := url.ParseQuery(string(body))
		action, resource := form.Get("Action"), "*"
		context := map[string][]string{"aws:ResourceTag/CreatedBy": {"EC2 Image Builder"}} // as all AMIs of Image Builder and their snapshots
		for member, sort := range map[string]string{"ImageId": "image", "SnapshotId": "snapshot"} {
			if id := form.Get(member); id != "" {
				resource = "arn:aws:ec2:" + region + "::" + sort + "/" + id
			}
		}
		if action != "GetCallerIdentity" { // which nobody needs to be allowed
			r.ask(service+":"+action, resource, context)
		}
	case "appstream":
		r.appstream(region, filepath.Base(req.URL.Path), body)
	default: // its actions are looked at, its resources are not
		r.ask(service+":"+filepath.Base(req.URL.Path), "", nil)
	}
}

func (r *recorder) imagebuilder(req *http.Request, in, out map[string]any) {
	op := strings.Trim(req.URL.Path, "/")
	if arn, ok := strings.CutPrefix(req.URL.Path, "/tags/"); ok {
		op = map[string]string{"POST": "TagResource", "DELETE": "UntagResource", "GET": "ListTagsForResource"}[req.Method]
		in = map[string]any{"resourceArn": arn, "tags": in["tags"]}
	}
	for k, v := range req.URL.Query() {
		if in == nil {
			in = map[string]any{}
		}
		in[k] = v[0]
	}
	context := map[string][]string{}
	if tags, ok := in["tags"].(map[string]any); ok {
		if v, has := tags[digestTag].(string); has {
			context["aws:RequestTag/"+digestTag] = []string{v}
		}
	}
	resource := "*"
	from := in
	if strings.HasPrefix(op, "Create") {
		from = out
	}
	for k, v := range from {
		arn, ok := v.(string)
		if ok && strings.HasSuffix(k, "Arn") && strings.HasPrefix(arn, "arn:") && (k != "distributionConfigurationArn" || strings.Contains(op, "DistributionConfiguration")) {
			resource = arn
		}
	}
	if id, ok := in["workflowExecutionId"].(string); ok {
		resource = "arn:aws:imagebuilder:eu-west-1:" + account + ":workflow-execution/" + id
	}
	if resource == "*" && strings.HasPrefix(op, "Create") {
		return // refused: nothing was made
	}
	if strings.HasPrefix(op, "Create") && context["aws:RequestTag/"+digestTag] != nil {
		r.ours[resource] = true
		r.ask("imagebuilder:TagResource", resource, context)
	}
	if r.ours[resource] {
		context["aws:ResourceTag/"+digestTag] = []string{"x"}
	}
	r.ask("imagebuilder:"+op, resource, context)
	r.besides(op, in)
}

// besides are the dependent actions that AWS documents for what the input has.
func (r *recorder) besides(op string, in map[string]any) {
	passed := func(service string) map[string][]string { return map[string][]string{"iam:PassedToService": {service}} }
	iam := "arn:aws:iam::" + account + ":"
	if name, ok := in["instanceProfileName"].(string); ok {
		r.ask("iam:GetInstanceProfile", iam+"instance-profile/"+name, nil)
		r.ask("iam:PassRole", iam+"role/"+name, passed("ec2.amazonaws.com"))
	}
	if role, ok := in["executionRole"].(string); ok {
		r.ask("iam:PassRole", role, passed("imagebuilder.amazonaws.com"))
	}
	if topic, ok := in["snsTopicArn"].(string); ok {
		r.ask("sns:Publish", topic, nil)
	}
	for member, action := range map[string]string{
		"imageRecipeArn": "GetImageRecipe", "infrastructureConfigurationArn": "GetInfrastructureConfiguration", "distributionConfigurationArn": "GetDistributionConfiguration",
	} {
		if arn, ok := in[member].(string); ok && (op == "CreateImage" || op == "CreateImagePipeline") {
			r.ask("imagebuilder:"+action, arn, nil)
		}
	}
	if strings.HasPrefix(op, "Create") {
		linked := iam + "role/aws-service-role/imagebuilder.amazonaws.com/AWSServiceRoleForImageBuilder"
		r.ask("iam:CreateServiceLinkedRole", linked, map[string][]string{"iam:AWSServiceName": {"imagebuilder.amazonaws.com"}})
	}
	if op != "CreateImageRecipe" {
		return
	}
	r.ask("ec2:DescribeImages", "*", nil)
	if parent, ok := in["parentImage"].(string); ok && strings.HasPrefix(parent, "arn:") {
		r.ask("imagebuilder:GetImage", parent, nil)
	}
	components, _ := in["components"].([]any)
	for _, c := range components {
		one, _ := c.(map[string]any)
		if arn, ok := one["componentArn"].(string); ok {
			r.ask("imagebuilder:GetComponent", arn, nil)
		}
	}
}

func (r *recorder) ask(action, resource string, context map[string][]string) {
	r.asked = append(r.asked, iampolicy.Request{Action: action, Resource: resource, Context: context})
}

// take returns what was asked since it was last called.
func (r *recorder) take() []iampolicy.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := r.asked
	r.asked = nil
	return asked
}

// allows reports whether one of a role's policies allows a request, and none denies it.
func allows(t *testing.T, policies []iampolicy.Document, r iampolicy.Request) bool {
	t.Helper()
	for _, d := range policies {
		if r.Resource == "" { // not known: the action must be there
			if slices.ContainsFunc(d.Statement, func(s iampolicy.Statement) bool { return slices.Contains(s.Action, r.Action) }) {
				return true
			}
			continue
		}
		got, err := d.Decide(r)
		if err != nil {
			t.Fatal(err)
		}
		if got.Allowed {
			return true
		}
	}
	return false
}

// TestPoliciesAllowEveryCall plans, builds and builds again every example, and one configuration of each kind,
// and holds every call and what AWS looks at besides against the policies made for it. A plan's calls must
// be allowed by the plan role.
func TestPoliciesAllowEveryCall(t *testing.T) {
	for name, files := range configurations(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := openSandbox(t, streamed(name))
			t.Cleanup(func() { _ = server.Close() })
			seed(t, server, name)
			if name == "appstream-update" { // the image that is seeded was imported, and runs on other instances
				files["main.ib.hcl"] = strings.ReplaceAll(files["main.ib.hcl"], "stream.standard.large", "GeneralPurpose.t3.large")
			}
			r := &recorder{next: server, ours: map[string]bool{}}
			c, err := aws.New(t.Context(), aws.Config{
				Region: region, Endpoint: "http://aws.invalid", KeyID: "x", SecretKey: "x", HTTP: &http.Client{Transport: inside{r}},
			})
			if err != nil {
				t.Fatal(err)
			}
			roles := permissions.Of(compile(t, files), permissions.Place{Region: region, Account: account})
			for n, role := range []string{"plan", "build", "build"} {
				p := tryPlan(t, c, files)
				if role == "build" {
					worker := &hand{fail: errors.New("nobody works inside of machines here")}
					got := carryOut(t.Context(), p, c.Driver(aws.Options{Interval: 50 * time.Millisecond, CallsPerSecond: 1000, Run: "1", Worker: worker}))
					if got.err != nil && !strings.HasPrefix(name, "kind ") && name != "appstream-builder-ad" { // some kinds the sandbox refuses to make
						t.Fatal(got.err)
					}
				}
				i := slices.IndexFunc(roles, func(r permissions.Role) bool { return r.Name == role })
				asked := r.take()
				if i < 0 || len(asked) == 0 {
					t.Fatalf("role %d, %d calls", i, len(asked))
				}
				if i == 1 && n == 1 && !slices.ContainsFunc(asked, func(a iampolicy.Request) bool { return !allows(t, roles[0].Documents(), a) }) {
					t.Error("the plan role is enough to build")
				}
				for _, a := range asked {
					if !allows(t, roles[i].Documents(), a) {
						t.Errorf("the %s role does not allow %s on %s with %v", role, a.Action, a.Resource, a.Context)
					}
				}
			}
		})
	}
}

// tryPlan is a plan with all that it looks up.
func tryPlan(t *testing.T, c *aws.Clients, files map[string]string) *planner.Plan {
	t.Helper()
	g := compileWith(t, c.Data(t.Context()), files)
	facts, diags := c.Facts(t.Context(), g)
	diags = append(diags, g.Seal(facts)...)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	seen, diags := c.Observe(t.Context(), g)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p, diags := planner.Diff(g, seen, planner.DiffOptions{Account: account})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

// configurations are the examples, and those of the kinds that can be planned alone.
func configurations(t *testing.T) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{}
	root := filepath.Join("..", "..", "examples")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(filepath.Dir(path)) == "workflows" { // of GitHub
			return err
		}
		raw, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		name, file, _ := strings.Cut(filepath.ToSlash(rel), "/")
		if out[name] == nil {
			out[name] = map[string]string{}
		}
		out[name][file] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kind.List() {
		if k.Create != "" && strings.HasPrefix(string(k.Create), "imagebuilder:") {
			out["kind "+k.Name] = map[string]string{"main.ib.hcl": k.Example}
		}
	}
	return out
}

// TestPlanRoleChangesNothing: no configuration makes the plan role allow what AWS calls a write.
func TestPlanRoleChangesNothing(t *testing.T) {
	for name, files := range configurations(t) {
		for _, r := range permissions.Of(compile(t, files), permissions.Place{Region: region}) {
			for _, g := range r.Grants {
				switch level := permissions.Level(g.Action); {
				case level == "":
					t.Errorf("%s: AWS has no action %s", name, g.Action)
				case r.Name == "plan" && level != "Read" && level != "List":
					t.Errorf("%s: the plan role allows %s, a %s", name, g.Action, level)
				}
			}
			for _, d := range r.Documents() {
				if d.Size() > permissions.ManagedLimit {
					t.Errorf("%s: a policy of %s has %d characters", name, r.Name, d.Size())
				}
			}
		}
	}
}

// TestEveryOperationHasItsActions: what is called is known to the table of permissions.
func TestEveryOperationHasItsActions(t *testing.T) {
	for _, op := range aws.Operations() {
		if len(permissions.Actions(op)) == 0 {
			t.Errorf("%s has no IAM action: add it to reference.json, or to the table of other names in internal/permissions", op)
		}
	}
}
