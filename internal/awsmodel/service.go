package awsmodel

import (
	"embed"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
)

//go:embed models/*.json
var models embed.FS

// services are parsed once each, on first use. The map never changes.
var services = map[string]func() (*Service, error){
	"appstream":    sync.OnceValues(func() (*Service, error) { return load("appstream") }),
	"ec2":          sync.OnceValues(func() (*Service, error) { return load("ec2") }),
	"imagebuilder": sync.OnceValues(func() (*Service, error) { return load("imagebuilder") }),
	"logs":         sync.OnceValues(func() (*Service, error) { return load("logs") }),
	"ssm":          sync.OnceValues(func() (*Service, error) { return load("ssm") }),
	"sts":          sync.OnceValues(func() (*Service, error) { return load("sts") }),
}

// Services returns the names that Get knows, sorted.
func Services() []string { return slices.Sorted(maps.Keys(services)) }

// Get returns the model of one service by its short name: "imagebuilder", "appstream", "ec2",
// "ssm", "sts" or "logs". The first call for a service parses its model; later ones are free.
// The result is shared and must not be changed.
func Get(service string) (*Service, error) {
	f, ok := services[service]
	if !ok {
		return nil, fmt.Errorf("no model of service %q", service)
	}
	return f()
}

// A Service is the model of one AWS service.
type Service struct {
	Name           string   // as Get spells it
	APIVersion     string   // "2019-12-02"
	Protocols      []string // "rest-json", "json", "query", "ec2", "smithy-rpc-v2-cbor"
	TargetPrefix   string   // the part of X-Amz-Target before the dot; "" where the protocol has none
	EndpointPrefix string   // the first label of the service's host name

	operations map[string]*Operation
	shapes     map[string]*Shape
	names      []string // of the operations, sorted
}

// Operation returns one operation by its name as the API Reference spells it.
func (s *Service) Operation(name string) (*Operation, bool) {
	op, ok := s.operations[name]
	return op, ok
}

// Operations yields all operations, sorted by name.
func (s *Service) Operations() iter.Seq[*Operation] {
	return func(yield func(*Operation) bool) {
		for _, n := range s.names {
			if !yield(s.operations[n]) {
				return
			}
		}
	}
}

// Shape returns one shape by name.
func (s *Service) Shape(name string) (*Shape, bool) {
	sh, ok := s.shapes[name]
	return sh, ok
}

// An Operation is one call of a service.
type Operation struct {
	Name    string
	Service string // as Get spells it
	Method  string // the HTTP method
	URI     string // the request path, with {label} where a member stands
	Input   *Shape // nil where the call takes nothing
	Output  *Shape // nil where it answers nothing
	Errors  []string
}

// A Shape is one type of a service's vocabulary.
type Shape struct {
	Name string
	// Type is structure, list, map, string, boolean, integer, long, float, double, timestamp or blob.
	Type     string
	Members  []Member // of a structure, in the model's order
	Required []string // of a structure
	Element  *Shape   // of a list
	Key      *Shape   // of a map
	Value    *Shape   // of a map
	// Min and Max bound a number itself, a string's characters, a list's or map's entries; nil is no bound.
	Min, Max *int64
	// Pattern is a regular expression in Java's dialect, searched for, not matched whole; see MatchPattern.
	Pattern string
	Enum    []string
	// Exception says that the shape is an error; ErrorStatus is its HTTP status and ErrorCode the
	// code it has on the wire.
	Exception   bool
	ErrorStatus int
	ErrorCode   string
	Sensitive   bool // its value must not be printed

	pattern *pattern
}

// A Member is one field of a structure.
type Member struct {
	Name  string
	Shape *Shape
	// Location is uri, querystring, header or statusCode; "" is the body. LocationName is the name
	// it has there, "" where it is Name.
	Location     string
	LocationName string
	Required     bool
	// IdempotencyToken says that clients fill the member in by themselves. Check never asks for it.
	IdempotencyToken bool
}

// Member returns one member of a structure.
func (sh *Shape) Member(name string) (Member, bool) {
	for _, m := range sh.Members {
		if m.Name == name {
			return m, true
		}
	}
	return Member{}, false
}

// MatchPattern says whether s satisfies the shape's pattern; true where it has none, or one that
// cannot be told with Go's regular expressions (a test lists those).
func (sh *Shape) MatchPattern(s string) bool { return sh.pattern == nil || sh.pattern.match(s) }
