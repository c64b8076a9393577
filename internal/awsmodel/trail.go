package awsmodel

import "strconv"

// A Trail leads to a place in an input, step by step. It is spelled out only where something is
// found there, which is seldom: most inputs are right.
type Trail []Step

// A Step goes into a structure's member or a map's entry, or into an entry of a list.
type Step struct {
	Name  string
	Index int // of a list's entry; -1 for the others
}

// inName is the index of a step that goes by name.
const inName = -1

// Deep is more steps than the inputs of today have, so that a trail of that capacity is not moved.
const Deep = 12

// Named goes on into a member.
func (t Trail) Named(name string) Trail { return append(t, Step{name, inName}) }

// Entry goes on into an entry of a list.
func (t Trail) Entry(i int) Trail { return append(t, Step{Index: i}) }

// String is the path as AWS writes it: "distributions[0].region". Names that came with the input
// are quoted where a terminal would not show them as they are.
func (t Trail) String() string {
	var b []byte
	for _, s := range t {
		if s.Index != inName {
			b = append(strconv.AppendInt(append(b, '['), int64(s.Index), 10), ']')
			continue
		}
		if len(b) > 0 {
			b = append(b, '.')
		}
		b = append(b, Printable(s.Name)...)
	}
	return string(b)
}
