package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// maxBody bounds the requests of all services but S3; the largest that AWS takes is well below.
const maxBody = 4 << 20

// readJSON decodes a request's body; an empty one is an empty object.
func readJSON(r *http.Request) (object, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, &failure{Code: "RequestEntityTooLargeException", Message: "The request body is too large.", Status: http.StatusRequestEntityTooLarge}
	}
	in := object{}
	if len(bytes.TrimSpace(raw)) == 0 {
		return in, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&in); err != nil || d.More() {
		return nil, &failure{Code: "SerializationException", Message: "The request body is not a JSON object.", Status: http.StatusBadRequest}
	}
	return compact(in), nil
}

// compact drops members that are null, which JSON protocols treat as absent.
func compact(o object) object {
	for k, v := range o {
		switch v := v.(type) {
		case nil:
			delete(o, k)
		case object:
			compact(v)
		case []any:
			for _, e := range v {
				if eo, ok := e.(object); ok {
					compact(eo)
				}
			}
		}
	}
	return o
}

// readREST puts together an operation's input: the body, the label, the query.
func readREST(op *awsmodel.Operation, r *http.Request, label, value string) (object, error) {
	in, err := readJSON(r)
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	for _, m := range op.Input.Members {
		name := m.LocationName
		if name == "" {
			name = m.Name
		}
		switch m.Location {
		case "uri":
			if name == label {
				in[m.Name] = value
			}
		case "querystring":
			if !query.Has(name) {
				continue
			}
			if in[m.Name], err = queryValue(m.Shape, query[name]); err != nil {
				return nil, err
			}
		}
	}
	return in, nil
}

func queryValue(sh *awsmodel.Shape, values []string) (any, error) {
	switch sh.Type {
	case "list":
		return anys(values), nil
	case "boolean":
		b, err := strconv.ParseBool(values[0])
		if err != nil {
			return nil, fail("SerializationException", "%q is not a boolean.", values[0])
		}
		return b, nil
	case "integer", "long":
		return json.Number(values[0]), nil
	}
	return values[0], nil
}

// A protocol is one of those in which AWS's services take and give objects.
type protocol byte

const (
	restJSON protocol = iota // Image Builder
	awsJSON                  // SSM, CloudWatch Logs, older clients of AppStream: version 1.1
	rpcCBOR                  // today's clients of AppStream: Smithy's RPC v2
)

func (p protocol) contentType() string {
	switch p {
	case awsJSON:
		return "application/x-amz-json-1.1"
	case rpcCBOR:
		return "application/cbor"
	case restJSON:
	}
	return "application/json"
}

// writeJSON answers with what the model's output shape has of out.
func writeJSON(w http.ResponseWriter, p protocol, op *awsmodel.Operation, out object) {
	var v any = out
	var sh *awsmodel.Shape
	if op != nil && op.Output != nil {
		sh = op.Output
		v = project(sh, out)
	}
	p.write(w, http.StatusOK, sh, v)
}

// write sends a body. A client that has gone hears nothing.
func (p protocol) write(w http.ResponseWriter, status int, sh *awsmodel.Shape, v any) {
	w.Header().Set("Content-Type", p.contentType())
	if p == rpcCBOR {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		body, err := encodeCBOR(sh, v)
		if err != nil {
			status = http.StatusInternalServerError
		}
		w.WriteHeader(status)
		_, _ = w.Write(body) //nolint:gosec // CBOR, which no browser shows
		return
	}
	writePlain(w, p.contentType(), status, v)
}

// writePlain sends JSON under a content type.
func writePlain(w http.ResponseWriter, contentType string, status int, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // a client that has gone hears nothing
}

// writeError encodes an error as the protocols have it. The type goes into the header and the body: SDKs
// differ in where they look. So do they about the message, whose name AppStream's models write with a capital.
func writeError(w http.ResponseWriter, p protocol, service string, err error) {
	f := asFailure(err)
	status := f.Status
	if status == 0 {
		status = awsmodel.ErrorStatus(service, awsmodel.ErrorCode(f.Code))
	}
	if status == 0 {
		status = http.StatusBadRequest
	}
	body := object{"__type": f.Code, "message": f.Message}
	if service == appStreamService {
		body["Message"] = f.Message
	}
	w.Header().Set("X-Amzn-ErrorType", f.Code)
	p.write(w, status, nil, body)
}

// asFailure is the error to show: the service's own, or an internal one.
func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return &failure{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
}

// targetOperation is the operation in X-Amz-Target: AmazonSSM.GetParameter.
func targetOperation(r *http.Request) string {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return op
}
