package sandbox

import (
	"cmp"
	"strconv"
	"strings"
)

// A version is the three nodes that a user assigns.
type version [3]int64

func (v version) String() string {
	return strconv.FormatInt(v[0], 10) + "." + strconv.FormatInt(v[1], 10) + "." + strconv.FormatInt(v[2], 10)
}

func (v version) compare(w version) int {
	return cmp.Or(cmp.Compare(v[0], w[0]), cmp.Compare(v[1], w[1]), cmp.Compare(v[2], w[2]))
}

// wild stands for x in a pattern.
const wild = -1

// A pattern is a version whose nodes may be x.
type pattern [3]int64

func parsePattern(s string) (pattern, bool) {
	nodes := strings.Split(s, ".")
	if len(nodes) != 3 {
		return pattern{}, false
	}
	var p pattern
	for i, n := range nodes {
		if n == "x" {
			p[i] = wild
			continue
		}
		v, err := strconv.ParseInt(n, 10, 64)
		if err != nil || v < 0 {
			return pattern{}, false
		}
		p[i] = v
	}
	return p, true
}

func (p pattern) matches(v version) bool {
	for i, n := range p {
		if n != wild && n != v[i] {
			return false
		}
	}
	return true
}

func (p pattern) exact() bool { return p[0] != wild && p[1] != wild && p[2] != wild }

// next fills a recipe pattern's one x with the successor of what exists; others are the recipe's versions.
// Which number the first gets is published nowhere: 0 here, and 1 where 0.0.0 would come of it.
func (p pattern) next(others []version) version {
	v := version(p)
	for i, n := range p {
		if n != wild {
			continue
		}
		v[i] = 0
		if v == (version{}) {
			v[i] = 1
		}
		for _, o := range others {
			if p.matches(o) {
				v[i] = max(v[i], o[i]+1)
			}
		}
	}
	return v
}

// String writes the pattern as references hold it: 1.x.x.
func (p pattern) String() string {
	var nodes [3]string
	for i, n := range p {
		nodes[i] = "x"
		if n != wild {
			nodes[i] = strconv.FormatInt(n, 10)
		}
	}
	return strings.Join(nodes[:], ".")
}
