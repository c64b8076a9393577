package sandbox

import (
	"encoding/xml"
	"net/http"
	"path"
	"slices"
	"strings"
)

// restXML are the services whose errors are XML without being those of the query protocol, by the names that
// signatures have.
func restXML() []string {
	return []string{"route53", "cloudfront", "s3-object-lambda", "s3-outposts", "s3express"}
}

// unknownService refuses a call of a service that the sandbox is not, in that service's own protocol, so that clients
// show the sentence: it is told from the request, as each protocol's requests have a form of their own.
func (s *Server) unknownService(w http.ResponseWriter, r *http.Request, c *call, service string) {
	operation := ""
	refuse := func(code string) *failure {
		s.count(service + ":" + operation)
		what := strings.TrimSuffix(service+":"+operation, ":")
		return &failure{Code: code, Status: http.StatusBadRequest, Message: "The sandbox does not do this: " + what + ". It has no service " + service + "."}
	}
	content := r.Header.Get("Content-Type")
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		operation = path.Base(r.URL.Path)
		writeError(w, rpcCBOR, service, refuse("UnknownOperationException"))
	case r.Header.Get("X-Amz-Target") != "":
		operation = targetOperation(r)
		f := refuse("UnknownOperationException")
		w.Header().Set("X-Amzn-ErrorType", f.Code)
		if !strings.HasPrefix(content, "application/x-amz-json-1.") {
			content = awsJSON.contentType()
		}
		writePlain(w, content, f.Status, object{"__type": f.Code, "message": f.Message, "Message": f.Message})
	case strings.HasPrefix(content, "application/x-www-form-urlencoded"):
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		_ = r.ParseForm() // what cannot be read names no operation
		operation = r.Form.Get("Action")
		writeQueryError(w, c, refuse("InvalidAction"))
	case slices.Contains(restXML(), service):
		f := refuse("NotImplemented")
		f.Status = http.StatusNotImplemented
		writeXML(w, f.Status, struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Error     struct{ Type, Code, Message string }
			RequestId string
		}{Error: struct{ Type, Code, Message string }{"Sender", f.Code, f.Message}, RequestId: c.id})
	default:
		operation = r.Method + " " + r.URL.Path
		f := refuse("UnknownOperationException")
		f.Status = http.StatusNotFound
		writeError(w, restJSON, service, f)
	}
}
