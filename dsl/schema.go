package dsl

import "github.com/zclconf/go-cty/cty"

// A Schema says what a block's body may hold. It is plain data: the tables of
// planner/kind derive it from AWS's models, and the documentation from it.
type Schema struct {
	Attrs  []Attr
	Blocks []NestedType
}

// An Attr is one argument.
type Attr struct {
	Name     string
	Type     cty.Type // cty.DynamicPseudoType accepts any value; a Ref is accepted wherever a string is
	Required bool
	Doc      string // one sentence, for docs/language.md; may be empty
	Member   string // the API member it becomes, "" where it becomes none by itself
}

// A NestedType is a block that may stand inside another.
type NestedType struct {
	Type   string
	Labels []string // what the labels mean: "name", "type"
	// OptionalLabel allows the one label to be left out, in the body of a top-level block; Nested has none then.
	OptionalLabel bool
	Schema        *Schema
	// Variants are the schemas by first label, where the label decides (provisioner "shell");
	// nil otherwise. A label that is not among them is an error with a suggestion.
	Variants map[string]*Schema
	Min, Max int // how many may be written; Max 0 is any number
	Doc      string
	Member   string
}

// A BlockType teaches the language one top-level block.
type BlockType struct {
	Name   string
	Labels []string // {"name"}, {"type", "name"} (source), or none (build, named by its attribute "name")
	Schema *Schema
	// Variants are the schemas by first label of two-label blocks; a block of another variant is
	// kept unread until something uses it, as Packer does.
	Variants map[string]*Schema
	// Unsupported says of variants that are none of ours, by first label, why not and what to do
	// instead; a reference to such a block is refused with these sentences.
	Unsupported map[string]string
	// Exports are what a reference may ask of it, the one meant by the bare reference first.
	Exports []string
	// VariantExports are Exports by first label, for data blocks.
	VariantExports map[string][]string
	// Known are the attributes other blocks may use as ordinary values ("name"), evaluated before bodies are.
	// Where one is not written, "name" is the label, one that is exported as well is a Ref, another null.
	Known []string
	// Repeats allows for_each and count.
	Repeats bool
	Doc     string
}
