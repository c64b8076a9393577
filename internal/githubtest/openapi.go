package githubtest

import (
	"bytes"
	"context"
	_ "embed" // the description of GitHub's API
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

//go:embed models/github.openapi.json
var description []byte

// model is GitHub's description and the way from a request to its operation.
type model struct {
	doc    *openapi3.T
	router routers.Router
}

// loadModel reads the description once for all servers, which takes a while.
var loadModel = sync.OnceValues(func() (*model, error) {
	doc, err := openapi3.NewLoader().LoadFromData(description)
	if err != nil {
		return nil, fmt.Errorf("GitHub's description: %w", err)
	}
	doc.Servers = openapi3.Servers{{URL: "/"}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("GitHub's description: %w", err)
	}
	return &model{doc, router}, nil
})

var lenient = &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}

// operation finds what a request asks for; nil where GitHub has nothing there.
func (m *model) operation(r *http.Request, body []byte) *openapi3filter.RequestValidationInput {
	route, params, err := m.router.FindRoute(r)
	if err != nil {
		return nil
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: lenient}
}

// checkReply holds a reply to the description.
func checkReply(ctx context.Context, in *openapi3filter.RequestValidationInput, rep reply, body []byte) error {
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: rep.status, Header: rep.header,
		Body: io.NopCloser(bytes.NewReader(body)), Options: lenient,
	})
}

// filled is a value of a schema with all that is required, where over does not say otherwise.
func (m *model) filled(schema string, over object) object {
	s := m.doc.Components.Schemas[schema]
	v, ok := example(s.Value, over).(object)
	if !ok {
		return over
	}
	return v
}

// object is a JSON object.
type object = map[string]any

// example is the least value of a schema that holds over.
func example(s *openapi3.Schema, over any) any {
	for _, all := range [][]*openapi3.SchemaRef{s.AllOf, s.AnyOf, s.OneOf} {
		if len(all) > 0 {
			return example(all[0].Value, over)
		}
	}
	given, isObject := over.(object)
	switch {
	case over != nil && !isObject:
		return over
	case over == nil && s.Nullable:
		return nil
	case len(s.Properties) > 0 || s.Type.Is("object"):
		out := object{}
		for _, name := range s.Required {
			if p, ok := s.Properties[name]; ok {
				out[name] = example(p.Value, nil)
			}
		}
		for name, v := range given {
			if p, ok := s.Properties[name]; ok {
				v = example(p.Value, v)
			}
			out[name] = v
		}
		return out
	case isObject:
		return over
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	return scalar(s)
}

func scalar(s *openapi3.Schema) any {
	switch {
	case s.Type.Is("array"):
		return []any{}
	case s.Type.Is("boolean"):
		return false
	case s.Type.Is("integer"), s.Type.Is("number"):
		return 0
	case s.Format == "uri":
		return "https://github.invalid/"
	case s.Format == "date-time":
		return "2026-01-01T00:00:00Z"
	}
	return ""
}
