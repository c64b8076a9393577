package dsl

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strconv"

	"github.com/hashicorp/hcl/v2"
)

// An Addr names one block: component.nginx, or component.nginx["a"] where
// for_each or count makes several of it. Addrs are comparable.
type Addr struct {
	// Type is the block type, with the first label where there are two, since names are unique
	// only within a type: component, build, source.imagebuilder, data.amazon-ami.
	Type string
	// Name is the (last) label. A build has the value of its attribute name, or where it has none
	// its number among the builds without a name: "1".
	Name string
	Key  string // the instance as written between brackets, `"a"` or `0`; "" for the only one
}

func (a Addr) String() string {
	if a.Key != "" {
		return a.Type + "." + a.Name + "[" + a.Key + "]"
	}
	return a.Type + "." + a.Name
}

// StringKey is the Key of a for_each instance.
func StringKey(k string) string { return strconv.Quote(k) }

// A Ref is a value that exists only once Addr does: an ARN, an AMI id.
// Expressions may list, filter, choose and pass it on, never open it or put it inside a string.
type Ref struct {
	Addr
	// Attr is "arn", "ami", "version", "id"; "" means the block itself, of a type that exports nothing.
	Attr string
}

func (r Ref) String() string {
	if r.Attr == "" {
		return r.Addr.String()
	}
	return r.Addr.String() + "." + r.Attr
}

// Of asks another attribute of the same block.
func (r Ref) Of(attr string) Ref { return Ref{r.Addr, attr} }

// A Value is one evaluated attribute and where it was written.
type Value struct {
	// V holds nil (null), string, bool, int64, float64, []any, map[string]any or Ref;
	// elements of lists and maps are of the same set.
	V     any
	Range hcl.Range
	// Sensitive says that V is or holds something sensitive, or was computed from it.
	Sensitive bool
	// Elems are the ranges of the elements, by index ("0") or key, where the expression is a
	// list or object constructor; empty where it is not.
	Elems map[string]hcl.Range
}

// At is where the element was written, or the whole value where that is not known.
func (v Value) At(key string) hcl.Range {
	if r, ok := v.Elems[key]; ok {
		return r
	}
	return v.Range
}

// A Body is a block's content, evaluated: every value is known or is a Ref.
type Body struct {
	Attrs map[string]Value
	// Blocks are the nested blocks in the order they were written, after dynamic blocks were expanded.
	Blocks []*Nested
	// Range is the header of the block; a missing attribute is reported there.
	Range hcl.Range
}

// Attr returns the attribute when it was given and is not null.
func (b *Body) Attr(name string) (Value, bool) {
	v, ok := b.Attrs[name]
	return v, ok && v.V != nil
}

// At is where the attribute was written, or the header where it was not.
func (b *Body) At(name string) hcl.Range {
	if v, ok := b.Attrs[name]; ok {
		return v.Range
	}
	return b.Range
}

// Of returns the nested blocks of one type.
func (b *Body) Of(typ string) []*Nested {
	var out []*Nested
	for _, n := range b.Blocks {
		if n.Type == typ {
			out = append(out, n)
		}
	}
	return out
}

// A Nested is a block inside a block.
type Nested struct {
	Type        string
	Labels      []string
	LabelRanges []hcl.Range
	Body        *Body
	Range       hcl.Range // the header
	// BySource are the bodies by source, "imagebuilder.web", of a block in a build of several sources
	// that asks source.name or source.type; nil for others. Body is then the first source's.
	BySource map[string]*Body
}

// For is the body as it is for one of the build's sources, "imagebuilder.web".
func (n *Nested) For(source string) *Body {
	if b, ok := n.BySource[source]; ok {
		return b
	}
	return n.Body
}

// A Block is one top-level block, or one instance of it.
type Block struct {
	Addr  Addr
	Label string // the first label of blocks that have two: "imagebuilder" in source "imagebuilder" "web"
	Body  *Body
	Range hcl.Range // the header
	// Broken is set where a part of the block could not be read or evaluated, which has been reported:
	// what its body does not hold may be written all the same.
	Broken bool
	// Group is the build that a block made by expansion belongs to; "" for what was written at the top level.
	Group string

	// What follows is set only on blocks made by expansion.

	// For is the block whose references mean this one: build.web, on the image that build.web makes.
	// When several blocks are for the same one, a reference to it is ambiguous.
	For Addr
	// Needs are blocks that must be there first although no attribute refers to them: the files
	// that an image's components download.
	Needs []Addr
	// Steps leads the steps of a component's document, by "phase/step", back to what wrote them.
	Steps map[string]hcl.Range
	// Content is the body of a staged_file.
	Content Content
	// Manifests are the manifest post-processors that record an image once it is made.
	Manifests []*Nested
}

// A Content is bytes that can be read as often as needed and are the same each time.
type Content interface {
	Open() (io.ReadCloser, error)
}

// ContentDigest is the sha256 of content in hex.
func ContentDigest(c Content) (_ string, err error) {
	r, err := c.Open()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	h := sha256.New()
	_, err = io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), err
}
