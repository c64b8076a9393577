package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// rpcPath is how the paths of Smithy's RPC v2 begin; service, "operation" and the operation follow.
const rpcPath = "/service/"

// cborModes are how bodies are read and written. Requests nest as deep as the models, which is not deep.
var cborModes = sync.OnceValues(func() (cbor.DecMode, error) {
	return cbor.DecOptions{
		DefaultMapType:  reflect.TypeFor[map[string]any](),
		IntDec:          cbor.IntDecConvertSignedOrFail,
		DupMapKey:       cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels: 32,
		TimeTag:         cbor.DecTagIgnored,
	}.DecMode()
})

// rpcOperation is the operation of an RPC v2 path.
func rpcOperation(path string) (operation string, ok bool) {
	rest, ok := strings.CutPrefix(path, rpcPath)
	if !ok {
		return "", false
	}
	_, operation, ok = strings.Cut(rest, "/operation/")
	return operation, ok
}

// readCBOR decodes a request's body; an empty one is an empty object.
func readCBOR(r *http.Request) (object, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, &failure{Code: "RequestEntityTooLargeException", Message: "The request body is too large.", Status: http.StatusRequestEntityTooLarge}
	}
	if len(raw) == 0 {
		return object{}, nil
	}
	mode, err := cborModes()
	if err != nil {
		return nil, err
	}
	in := object{}
	if err := mode.Unmarshal(raw, &in); err != nil {
		return nil, &failure{Code: "SerializationException", Message: "The request body is not a CBOR map.", Status: http.StatusBadRequest}
	}
	return compact(in), nil
}

// encodeCBOR is v, in the form that JSON takes, as CBOR has it: timestamps with tag 1, whole numbers as such.
// A nil shape is an object of text.
func encodeCBOR(sh *awsmodel.Shape, v any) ([]byte, error) {
	return cbor.Marshal(cborForm(sh, v))
}

func cborForm(sh *awsmodel.Shape, v any) any {
	if sh == nil {
		return v
	}
	switch v := v.(type) {
	case object:
		out := make(object, len(v))
		for name, e := range v {
			inner := sh.Value
			if m, ok := sh.Member(name); ok {
				inner = m.Shape
			}
			out[name] = cborForm(inner, e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = cborForm(sh.Element, e)
		}
		return out
	case json.Number:
		return cborNumber(sh, v)
	}
	return v
}

func cborNumber(sh *awsmodel.Shape, n json.Number) any {
	if sh.Type == "timestamp" {
		if f, err := n.Float64(); err == nil {
			return cbor.Tag{Number: 1, Content: f}
		}
	}
	if i, err := n.Int64(); err == nil {
		return i
	}
	if f, err := n.Float64(); err == nil {
		return f
	}
	return n.String()
}
