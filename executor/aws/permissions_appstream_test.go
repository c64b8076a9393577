package aws_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/org/imagebuild-action/executor/aws"
	"github.com/org/imagebuild-action/internal/sandbox"
)

// appstream notes what IAM is asked for a call of AppStream: the action on each resource that the API Reference says it
// works on, and the role that it hands over.
func (r *recorder) appstream(region, op string, body []byte) {
	var in map[string]any
	if err := cbor.Unmarshal(body, &in); err != nil {
		in = nil // it has no input
	}
	said := func(member string) string { s, _ := in[member].(string); return s }
	arn := func(kind, name string) string {
		if name == "" || strings.HasPrefix(name, "arn:") {
			return name
		}
		return "arn:aws:appstream:" + region + ":" + account + ":" + kind + "/" + name
	}
	image, on := arn("image", said("ImageName")), []string{}
	if said("ImageArn") != "" {
		image = said("ImageArn")
	}
	switch {
	case strings.HasPrefix(op, "Describe") && op != "DescribeImagePermissions" || strings.HasPrefix(op, "List") && said("ResourceArn") == "" || strings.Contains(op, "DirectoryConfig"):
		on = append(on, "*")
	case said("ResourceArn") != "":
		on = append(on, said("ResourceArn"))
	case strings.HasSuffix(op, "ImageBuilder"):
		on = append(on, arn("image-builder", said("Name")), image)
	case strings.HasSuffix(op, "Fleet"):
		on = append(on, arn("fleet", said("Name")), image)
	case op == "CopyImage":
		on = append(on, arn("image", said("SourceImageName")))
	case op == "CreateUpdatedImage":
		on = append(on, arn("image", said("existingImageName")), arn("image", said("newImageName")))
	default: // images and their permissions
		on = append(on, arn("image", said("Name")))
	}
	context := map[string][]string{}
	for _, member := range []string{"Tags", "newImageTags"} {
		tags, _ := in[member].(map[any]any)
		if v, ok := tags[digestTag].(string); ok {
			context["aws:RequestTag/"+digestTag] = []string{v}
		}
	}
	for _, one := range slices.DeleteFunc(on, func(s string) bool { return s == "" }) {
		r.ask("appstream:"+op, one, context)
		if len(context) > 0 && one != image && one != arn("image", said("existingImageName")) { // what is made, not what it is made of
			r.ask("appstream:TagResource", one, context)
		}
	}
	if role := said("IamRoleArn"); role != "" {
		r.ask("iam:PassRole", role, map[string][]string{"iam:PassedToService": {"appstream.amazonaws.com"}})
	}
}

// streamed are the options of a sandbox that carries AppStream's examples out.
func streamed(name string) sandbox.Options {
	o := sandbox.Options{}
	o.AppStream.StateTimes = map[string]time.Duration{"": 5 * time.Millisecond}
	if name == "appstream-update" { // whose images are of another day, so that there is something to update
		o.Faults = []sandbox.Fault{{Operation: "CreateImportedImage", Count: -1, Effect: "old"}}
	}
	return o
}

// seed makes what an example takes for granted: passwords, and the image of the month before.
func seed(t *testing.T, server http.Handler, name string) {
	t.Helper()
	c, err := aws.New(t.Context(), aws.Config{Region: region, Endpoint: "http://aws.invalid", KeyID: "x", SecretKey: "x", HTTP: &http.Client{Transport: inside{server}}})
	if err != nil {
		t.Fatal(err)
	}
	switch name {
	case "appstream-update":
		r := &registry{T: t, clients: c, images: c.StreamImages(aws.StreamOptions{Interval: 5 * time.Millisecond, Tell: func(string) {}})}
		r.ami = r.windows()
		r.make("office-2026-01")
	case "appstream-builder-ad":
		put(t, server, "/appstream/join-password")
		put(t, server, "/appstream/builder-password")
	}
}

// put stores a parameter.
func put(t *testing.T, server http.Handler, name string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"Name": name, "Value": "Sandbox-1", "Type": "SecureString"})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://aws.invalid/", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "AmazonSSM.PutParameter")
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/"+region+"/ssm/aws4_request, SignedHeaders=host, Signature=x")
	out, err := inside{server}.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	if out.StatusCode != http.StatusOK {
		t.Fatal(out.Status)
	}
}
