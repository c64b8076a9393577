package sandbox

import (
	"encoding/xml"
	"io"
	"net/http"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// The envelope of the query protocol.
type (
	xmlAnswer struct {
		XMLName  xml.Name
		Result   xmlResult
		Metadata *xmlMetadata `xml:"ResponseMetadata"`
	}
	xmlResult struct {
		XMLName xml.Name
		Value   any
	}
	xmlMetadata struct {
		RequestId string
	}
)

// MarshalXML writes the value's members directly below the result.
func (r xmlResult) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(r.Value, xml.StartElement{Name: r.XMLName})
}

func writeXML(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, xml.Header) // a client that has gone hears nothing
	_ = xml.NewEncoder(w).Encode(v)      // as above
}

// queryAnswer is an answer as services of the query protocol with a namespace give it.
func queryAnswer(c *call, namespace string, result any) xmlAnswer {
	return xmlAnswer{
		XMLName:  xml.Name{Space: namespace, Local: c.name + "Response"},
		Result:   xmlResult{XMLName: xml.Name{Local: c.name + "Result"}, Value: result},
		Metadata: &xmlMetadata{c.id},
	}
}

// writeQueryError answers with STS's form of an error.
func writeQueryError(w http.ResponseWriter, c *call, err error) {
	f := asFailure(err)
	type detail struct{ Type, Code, Message string }
	status, who := statusOf("sts", f), "Sender"
	if status >= http.StatusInternalServerError {
		who = "Receiver"
	}
	writeXML(w, status, struct {
		XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
		Error     detail
		RequestId string
	}{Error: detail{who, f.Code, f.Message}, RequestId: c.id})
}

// writeEC2Error answers with EC2's form of an error.
func writeEC2Error(w http.ResponseWriter, c *call, err error) {
	f := asFailure(err)
	type detail struct{ Code, Message string }
	writeXML(w, statusOf("ec2", f), struct {
		XMLName   xml.Name `xml:"Response"`
		Errors    []detail `xml:"Errors>Error"`
		RequestID string
	}{Errors: []detail{{f.Code, f.Message}}, RequestID: c.id})
}

func statusOf(service string, f *failure) int {
	if f.Status != 0 {
		return f.Status
	}
	// The query protocols write codes without the suffix that the model's names have.
	bare := awsmodel.ErrorCode(f.Code)
	for _, code := range []string{bare, bare + "Exception"} {
		if status := awsmodel.ErrorStatus(service, code); status != 0 {
			return status
		}
	}
	return http.StatusBadRequest
}

func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
