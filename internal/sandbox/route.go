package sandbox

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// A scope is what a request's signature says: for whom, where and for which service. Signatures
// themselves are not verified: there is no secret to verify them with.
type scope struct{ key, region, service string }

// Expressions are compiled when they are first needed: most runs of the program have no sandbox.
var (
	credential = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`Credential=([^,\s]+)`) })
	accountID  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\d{12}$`) })
	regionName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`) })
	shortID    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`) })
)

// signed reads the credential scope of a header or a pre-signed URL; false for an unsigned request.
func signed(r *http.Request) (scope, bool) {
	c := r.URL.Query().Get("X-Amz-Credential")
	if m := credential().FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		c = m[1]
	}
	p := strings.Split(c, "/")
	if len(p) < 5 || !shortID().MatchString(p[0]) {
		return scope{}, false
	}
	// key/date/region/service/aws4_request; with several regions in one signature there is no region.
	n := len(p)
	return scope{key: p[0], region: p[n-3], service: p[n-2]}, true
}

// serviceOf tells which service a request is for. Unsigned requests are what clients send before
// they have credentials (STS), or what a component's download sends (S3).
func serviceOf(r *http.Request, s scope) string {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case strings.HasPrefix(target, appStreamTarget+"."), strings.HasPrefix(r.URL.Path, rpcPath+appStreamTarget+"/"):
		return appStreamService
	case s.service != "":
		return s.service
	case strings.HasPrefix(target, "Logs_"):
		return "logs"
	case strings.HasPrefix(target, "AmazonSSM."):
		return "ssm"
	case r.Method == http.MethodPost && r.URL.Path == "/" &&
		strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return "sts"
	}
	return "s3"
}

// A restRouter finds the operation of a rest-json service by method and path.
type restRouter struct {
	fixed  map[string]*awsmodel.Operation // by "METHOD path"
	labels []restRoute
}

// A restRoute is an operation whose path ends in a label: /tags/{resourceArn}.
type restRoute struct {
	method, prefix, label string
	op                    *awsmodel.Operation
}

func newRestRouter(s *awsmodel.Service) restRouter {
	r := restRouter{fixed: map[string]*awsmodel.Operation{}}
	for op := range s.Operations() {
		prefix, label, ok := strings.Cut(op.URI, "{")
		if !ok {
			r.fixed[op.Method+" "+op.URI] = op
			continue
		}
		r.labels = append(r.labels, restRoute{op.Method, prefix, strings.TrimSuffix(label, "}"), op})
	}
	return r
}

// find returns the operation and what its label holds. The escaped path is looked at: an ARN in a
// label arrives with its slashes as %2F.
func (r restRouter) find(req *http.Request) (op *awsmodel.Operation, label, value string) {
	path := req.URL.EscapedPath()
	if op = r.fixed[req.Method+" "+path]; op != nil {
		return op, "", ""
	}
	for _, l := range r.labels {
		rest, ok := strings.CutPrefix(path, l.prefix)
		if !ok || l.method != req.Method || rest == "" {
			continue
		}
		if v, err := url.PathUnescape(rest); err == nil {
			return l.op, l.label, v
		}
	}
	return nil, "", ""
}
