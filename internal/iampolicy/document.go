// Package iampolicy holds IAM policy documents: read, written, measured and judged.
//
// It judges one document against one request, as IAM's own evaluation of a single policy does. It
// refuses to guess: what it does not know how to judge is an error and never an answer. It knows
// nothing of accounts, of boundaries and service control policies, and makes no call.
package iampolicy

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode"
)

// Version is the version of the policy language that documents are written in.
const Version = "2012-10-17"

// A Document is one policy: of an identity, of a resource, or the trust policy of a role.
type Document struct {
	Version   string      `json:"Version,omitempty"`
	ID        string      `json:"Id,omitempty"`
	Statement []Statement `json:"Statement"`
}

// A Statement allows or denies actions. Action and NotAction exclude each other, and so do Resource
// and NotResource. Trust policies have a Principal and no Resource.
type Statement struct {
	Sid         string     `json:"Sid,omitempty"`
	Effect      string     `json:"Effect"` // "Allow" or "Deny"
	Principal   Principal  `json:"Principal,omitempty"`
	Action      Strings    `json:"Action,omitempty"`
	NotAction   Strings    `json:"NotAction,omitempty"`
	Resource    Strings    `json:"Resource,omitempty"`
	NotResource Strings    `json:"NotResource,omitempty"`
	Condition   Conditions `json:"Condition,omitempty"`
}

// Conditions are values by operator and context key: all must hold.
type Conditions map[string]map[string]Strings

// A Principal is who a statement is for, by kind: "AWS", "Federated", "Service". {"*": {"*"}} is everybody.
type Principal map[string]Strings

// Strings is a list that a document may write as one string.
type Strings []string

// UnmarshalJSON takes a string or a list.
func (s *Strings) UnmarshalJSON(raw []byte) error {
	var one any
	if err := json.Unmarshal(raw, &one); err != nil {
		return err
	}
	list, ok := one.([]any)
	if !ok {
		list = []any{one}
	}
	*s = nil
	for _, v := range list {
		switch v := v.(type) {
		case string:
			*s = append(*s, v)
		case bool, float64:
			*s = append(*s, fmt.Sprint(v))
		default:
			return fmt.Errorf("a value of a policy is text, not %T", v)
		}
	}
	return nil
}

// MarshalJSON writes a single value as a string, as IAM's own editor does.
func (s Strings) MarshalJSON() ([]byte, error) {
	if len(s) == 1 {
		return json.Marshal(s[0])
	}
	return json.Marshal([]string(s))
}

// UnmarshalJSON takes "*" or values by kind.
func (p *Principal) UnmarshalJSON(raw []byte) error {
	var all string
	if json.Unmarshal(raw, &all) == nil {
		*p = Principal{"*": {all}}
		return nil
	}
	return json.Unmarshal(raw, (*map[string]Strings)(p))
}

// MarshalJSON writes everybody as "*", the one form that IAM takes.
func (p Principal) MarshalJSON() ([]byte, error) {
	if all := p["*"]; len(p) == 1 && len(all) == 1 {
		return json.Marshal(all[0])
	}
	return json.Marshal(map[string]Strings(p))
}

// Parse reads a document. The statement may stand alone, without a list around it.
func Parse(raw []byte) (Document, error) {
	var d struct {
		Document

		Statement json.RawMessage
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return Document{}, fmt.Errorf("reading the policy: %w", err)
	}
	out := d.Document
	var one Statement
	if json.Unmarshal(d.Statement, &one) == nil {
		out.Statement = []Statement{one}
	} else if err := json.Unmarshal(d.Statement, &out.Statement); err != nil {
		return Document{}, fmt.Errorf("reading the policy's statements: %w", err)
	}
	if len(out.Statement) == 0 {
		return Document{}, errors.New("the policy has no statement")
	}
	for i, s := range out.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return Document{}, fmt.Errorf("statement %d of the policy has the effect %q: it is Allow or Deny", i+1, s.Effect)
		}
		if len(s.Action) == 0 && len(s.NotAction) == 0 {
			return Document{}, fmt.Errorf("statement %d of the policy has no action", i+1)
		}
	}
	return out, nil
}

// Size is how long IAM finds the document: in characters, without white space.
func (d Document) Size() int {
	raw, err := json.Marshal(d)
	if err != nil {
		return 0 // documents are text alone
	}
	n := 0
	for _, r := range string(raw) {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}
