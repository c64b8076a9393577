package awsmodel

import "strconv"

// A trail leads to a place in an input, step by step. It is spelled out only where something is
// found there, which is seldom: most inputs are right.
type trail []step

// A step goes into a structure's member or a map's entry, or into an entry of a list.
type step struct {
	name  string
	index int // of a list's entry; inName for the others
}

// inName is the index of a step that goes by name.
const inName = -1

// deep is more steps than the inputs of today have, so that a trail of that capacity is not moved.
const deep = 12

func (t trail) named(name string) trail { return append(t, step{name, inName}) }

func (t trail) entry(i int) trail { return append(t, step{index: i}) }

// String is the path as AWS writes it: "distributions[0].region". Names that came with the input
// are quoted where a terminal would not show them as they are.
func (t trail) String() string {
	var b []byte
	for _, s := range t {
		if s.index != inName {
			b = append(strconv.AppendInt(append(b, '['), int64(s.index), 10), ']')
			continue
		}
		if len(b) > 0 {
			b = append(b, '.')
		}
		b = append(b, printable(s.name)...)
	}
	return string(b)
}
