package sandbox

import (
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// The codec, for tests that hold it against AWS's own examples of requests and responses.

// EncodeResponse is what a client gets of an operation's output.
func EncodeResponse(op *awsmodel.Operation, out map[string]any) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	writeJSON(w, restJSON, op, out)
	return w
}

// EncodeError is what a client gets of an error.
func EncodeError(code, message string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	writeError(w, restJSON, "imagebuilder", fail(code, "%s", message))
	return w
}

// DecodeRequest finds the operation and the input of a request.
func DecodeRequest(s *awsmodel.Service, r *http.Request) (*awsmodel.Operation, map[string]any, error) {
	op, label, value := newRestRouter(s).find(r)
	if op == nil {
		return nil, nil, nil
	}
	in, err := readREST(op, r, label, value)
	return op, in, err
}

// Answered says whether the sandbox has behaviour for an operation.
func Answered(op string) bool { return (&imageBuilder{}).answers()[op] != nil }

// Unsupported is the code of the error for an operation without behaviour.
func Unsupported(op *awsmodel.Operation) string { return asFailure(unsupported(op, "it")).Code }

// DecodeRPC finds the operation and the input of a request in Smithy's RPC v2.
func DecodeRPC(r *http.Request) (operation string, in map[string]any, err error) {
	operation, _ = rpcOperation(r.URL.Path)
	in, err = readCBOR(r)
	return operation, in, err
}

// StreamAnswered says whether AppStream's part of the sandbox answers an operation.
func StreamAnswered(op string) bool { return (&appStream{}).answers()[op] != nil }

// Parts of the package that parse what others wrote.
var (
	NewChunked    = newChunked
	NextRun       = nextRun
	FilterPattern = filterPattern
	WebIdentity   = webIdentity
	Wildcard      = wildcard
)

// ParseRef takes an ARN apart and puts it together again as far as the family.
func ParseRef(arn string) (family, version string, build int, ok bool) {
	r, ok := parseRef(arn)
	return r.family(), r.version, r.build, ok
}

// CreateImage is what Image Assistant does inside a builder; the text is its refusal.
func (s *Server) CreateImage(builderARN, name string, dryRun bool) string {
	err := s.stream.createImage(builderARN, guestImage{
		Name: name, LatestAgent: true, Tags: map[string]string{"team": "cad"}, DryRun: dryRun,
		Applications: []object{{"Name": "cad", "LaunchPath": `C:\cad.exe`, "Enabled": true}},
	})
	if err != nil {
		return err.Error()
	}
	return ""
}

// Reboot is what a restart inside a builder does.
func (s *Server) Reboot(builderARN string) error { return s.stream.reboot(builderARN) }

// A Recorder notes what happens to the machines of builders.
type Recorder struct{ Seen []string }

func (r *Recorder) start(m guestMachine) error {
	r.Seen = append(r.Seen, "start "+m.Name+" "+m.Address)
	return nil
}

func (r *Recorder) stop(arn string) {
	r.Seen = append(r.Seen, "stop "+arn[strings.LastIndex(arn, "/")+1:])
}

func (r *Recorder) retire(arn string) { r.stop(arn) }

func (r *Recorder) discard(arn string) {
	r.Seen = append(r.Seen, "discard "+arn[strings.LastIndex(arn, "/")+1:])
}

func (r *Recorder) close() { r.Seen = append(r.Seen, "close") }

// Inside puts the recorder into the place of the builders' inside.
func (s *Server) Inside(r *Recorder) { s.stream.guest = r }
