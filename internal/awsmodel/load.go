package awsmodel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// The types below are the files' own form.
type (
	modelFile struct {
		APIVersion     string                    `json:"apiVersion"`
		Protocols      []string                  `json:"protocols"`
		TargetPrefix   string                    `json:"targetPrefix"`
		EndpointPrefix string                    `json:"endpointPrefix"`
		Operations     map[string]modelOperation `json:"operations"`
		Shapes         map[string]*modelShape    `json:"shapes"`
	}
	modelOperation struct {
		HTTP struct {
			Method     string `json:"method"`
			RequestURI string `json:"requestUri"`
		} `json:"http"`
		Input  string   `json:"input"`
		Output string   `json:"output"`
		Errors []string `json:"errors"`
	}
	modelShape struct {
		Type     string       `json:"type"`
		Members  modelMembers `json:"members"`
		Required []string     `json:"required"`
		Member   string       `json:"member"`
		Key      string       `json:"key"`
		Value    string       `json:"value"`
		// A bound can exceed what a float64 holds exactly.
		Min       *int64   `json:"min"`
		Max       *int64   `json:"max"`
		Pattern   string   `json:"pattern"`
		Enum      []string `json:"enum"`
		Exception bool     `json:"exception"`
		Sensitive bool     `json:"sensitive"`
		Error     struct {
			Code           string `json:"code"`
			HTTPStatusCode int    `json:"httpStatusCode"`
		} `json:"error"`
	}
	modelMember struct {
		name             string
		Shape            string `json:"shape"`
		Location         string `json:"location"`
		LocationName     string `json:"locationName"`
		IdempotencyToken bool   `json:"idempotencyToken"`
	}
	// modelMembers keeps the order of the file, which encoding/json's maps lose.
	modelMembers []modelMember
)

// UnmarshalJSON reads an object as an ordered list.
func (ms *modelMembers) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return fmt.Errorf("a member's name is %v", key)
		}
		m := modelMember{name: name}
		if err = dec.Decode(&m); err != nil {
			return err
		}
		*ms = append(*ms, m)
	}
	return nil
}

func load(service string) (*Service, error) {
	b, err := models.ReadFile("models/" + service + ".json")
	if err != nil {
		return nil, fmt.Errorf("model of %s: %w", service, err)
	}
	var f modelFile
	if err = json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("model of %s: %w", service, err)
	}
	s := &Service{
		Name:           service,
		APIVersion:     f.APIVersion,
		Protocols:      f.Protocols,
		TargetPrefix:   f.TargetPrefix,
		EndpointPrefix: f.EndpointPrefix,
		operations:     make(map[string]*Operation, len(f.Operations)),
		shapes:         make(map[string]*Shape, len(f.Shapes)),
		names:          slices.Sorted(maps.Keys(f.Operations)),
	}
	for name := range f.Shapes {
		s.shapes[name] = &Shape{Name: name}
	}
	for name, m := range f.Shapes {
		if err = s.fill(s.shapes[name], m); err != nil {
			return nil, fmt.Errorf("model of %s: shape %s: %w", service, name, err)
		}
	}
	for name, m := range f.Operations {
		op := &Operation{Name: name, Service: service, Method: m.HTTP.Method, URI: m.HTTP.RequestURI, Errors: m.Errors}
		if op.Input, err = s.resolve(m.Input); err != nil {
			return nil, fmt.Errorf("model of %s: operation %s: %w", service, name, err)
		}
		if op.Output, err = s.resolve(m.Output); err != nil {
			return nil, fmt.Errorf("model of %s: operation %s: %w", service, name, err)
		}
		s.operations[name] = op
	}
	return s, nil
}

// fill completes a shape; the shapes it refers to may still be empty.
func (s *Service) fill(sh *Shape, m *modelShape) error {
	var err error
	sh.Type, sh.Required, sh.Min, sh.Max = m.Type, m.Required, m.Min, m.Max
	sh.Enum, sh.Sensitive = m.Enum, m.Sensitive
	if m.Pattern != "" {
		sh.Pattern = amend(m.Pattern)
		sh.pattern = newPattern(sh.Pattern)
	}
	if sh.Exception = m.Exception; m.Exception {
		sh.ErrorCode, sh.ErrorStatus = sh.Name, m.Error.HTTPStatusCode
		if m.Error.Code != "" {
			sh.ErrorCode = m.Error.Code
		}
	}
	if sh.Element, err = s.resolve(m.Member); err != nil {
		return err
	}
	if sh.Key, err = s.resolve(m.Key); err != nil {
		return err
	}
	if sh.Value, err = s.resolve(m.Value); err != nil {
		return err
	}
	for _, x := range m.Members {
		var t *Shape
		if t, err = s.resolve(x.Shape); err != nil {
			return err
		}
		sh.Members = append(sh.Members, Member{
			Name: x.name, Shape: t, Location: x.Location, LocationName: x.LocationName,
			Required: slices.Contains(m.Required, x.name), IdempotencyToken: x.IdempotencyToken,
		})
	}
	return nil
}

// resolve returns the shape of that name, nil for "".
func (s *Service) resolve(name string) (*Shape, error) {
	if name == "" {
		return nil, nil
	}
	sh, ok := s.shapes[name]
	if !ok {
		return nil, fmt.Errorf("it refers to the shape %q, which does not exist", name)
	}
	return sh, nil
}
