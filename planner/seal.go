package planner

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/internal/awsmodel"
)

// A sealer carries one Seal.
type sealer struct {
	facts Facts
	nodes map[dsl.Addr]*Node
	buf   []byte
}

// Seal puts the answers to look-ups into the inputs and gives every node whose look-ups are all
// answered its digest, and with it its version or name. It may be called again with more answers;
// what is sealed stays as it is. What an answer makes AWS refuse is reported.
func (g *Graph) Seal(f Facts) hcl.Diagnostics {
	s := &sealer{facts: f, nodes: make(map[dsl.Addr]*Node, len(g.Nodes))}
	for _, n := range g.Nodes {
		s.nodes[n.Addr] = n
	}
	var diags hcl.Diagnostics
	for _, n := range g.Nodes {
		if n.Digest != "" {
			continue
		}
		answered := s.answer(n)
		s.seal(n, g.models[n.Kind].taggable)
		if !answered {
			continue
		}
		n.judged = n.Input.Resolve(known)
		diags = append(diags, verify(n, g.models[n.Kind], cmp.Or(n.Region, namedRegion(g.Config, g.Region)))...)
	}
	return g.unsaid(diags)
}

// A warning is a rule's at a place, whatever was known when it was given.
type warning struct {
	rule Rule
	at   hcl.Range
}

// warningOf is zero for what is no rule's warning.
func warningOf(d *hcl.Diagnostic) warning {
	rule, ruled := d.Extra.(Rule)
	if !ruled || d.Severity != hcl.DiagWarning || d.Subject == nil {
		return warning{}
	}
	return warning{rule, *d.Subject}
}

// warnings adds those among diags to what has been said already.
func warnings(said map[warning]bool, diags hcl.Diagnostics) map[warning]bool {
	for _, d := range diags {
		w := warningOf(d)
		if w == (warning{}) {
			continue
		}
		if said == nil {
			said = map[warning]bool{}
		}
		said[w] = true
	}
	return said
}

// answer replaces look-ups that have an answer, and names and versions that are known by now. It
// says whether AWS gave one of them.
func (s *sealer) answer(n *Node) (answered bool) {
	known := func(r dsl.Ref) any {
		if isLookup(r.Addr) {
			if v, ok := s.facts[r.Addr][r.Attr]; ok {
				answered = true
				return v
			}
			return r
		}
		if target := s.nodes[r.Addr]; target != nil {
			if v, ok := target.Known[r.Attr]; ok && !target.Kind.Varies {
				return v
			}
		}
		return r
	}
	in, changed := rewrite(map[string]any(n.Input), known)
	if changed {
		n.Input, _ = in.(map[string]any)
	}
	n.Work = n.Work.Resolve(known)
	return answered
}

// seal computes what follows from the content once all of it is known.
func (s *sealer) seal(n *Node, taggable bool) {
	ok := s.encode(n)
	if !ok {
		return
	}
	sum := sha256.Sum256(s.buf)
	n.Digest = hex.EncodeToString(sum[:])
	switch n.Kind.Naming {
	case ContentVersion:
		n.Known["version"] = contentVersion(n.Fixed, sum[:])
		n.Input["semanticVersion"] = n.Known["version"]
	case HashedName:
		n.Known["name"] = n.Fixed
		if n.Fixed == "" {
			n.Known["name"] = hashedName(n.Name, n.Digest, longestName(n.Kind))
		}
		n.Input[n.Kind.nameMember()] = n.Known["name"]
	case OfRecipe:
		s.nameAfterRecipe(n)
	case NamedAfter:
		if name, known := n.Input[n.Kind.nameMember()].(string); known {
			n.Known["name"] = name
		}
	case StableName, ContentKey:
	}
	if tags, ok := n.Input[n.Kind.tagsMember()].(map[string]any); ok && taggable {
		tags[TagDigest] = n.Digest // the map is the node's own since Compile put its tags in
	}
}

// leftOut are the members that say nothing about the content, and those that Seal itself sets.
var leftOut = []string{"tags", "clientToken", "name", "semanticVersion"}

// encode writes the bytes that the digest is of: the kind, the name as AWS compares it, what is
// fixed of the version, the input, the steps of its work, and the digests of all that these refer to.
// It returns false while something of that is unknown.
func (s *sealer) encode(n *Node) (ok bool) {
	ok = true
	ref := func(b []byte, r dsl.Ref) []byte {
		target := s.nodes[r.Addr]
		if isLookup(r.Addr) || target == nil || target == n || target.Digest == "" {
			ok = false
			return append(b, "null"...)
		}
		b = append(append(append(b, `{"of":"`...), target.Digest...), `","ref":`...)
		return append(appendString(b, r.Attr), '}')
	}
	b := s.buf[:0]
	b = append(b, `{"fixed":`...)
	b = appendString(b, n.Fixed)
	b = append(b, `,"input":{`...)
	for i, m := range s.identity(n) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, m), ':')
		b = appendJSON(b, n.Input[m], ref)
	}
	b = append(b, `},"kind":`...)
	b = appendString(b, n.Kind.Name)
	b = append(b, `,"name":`...)
	b = appendString(b, awsmodel.NormalizeName(n.Name))
	if n.Work != nil {
		b = n.Work.appendSteps(append(b, `,"work":`...), ref)
	}
	b = append(b, '}')
	s.buf = b
	return ok
}

// identity are the members of a node's input that make up its digest, sorted.
func (s *sealer) identity(n *Node) []string {
	if n.Kind.Varies && n.Fixed != "" {
		return nil
	}
	var out []string
	for _, m := range sortedKeys(n.Input) {
		if n.Kind.Identity != nil && !slices.Contains(n.Kind.Identity, m) || slices.Contains(leftOut, m) ||
			m == n.Kind.tagsMember() || m == n.Kind.nameMember() && n.Kind.Naming != NamedAfter {
			continue
		}
		out = append(out, m)
	}
	return out
}

// contentVersion completes a version with bits of the digest, 30 for each node: AWS allows 0 to
// 2^30-1 in each (API Reference, CreateComponent, semanticVersion).
func contentVersion(fixed string, sum []byte) string {
	if fixed == "" {
		fixed = "1"
	}
	bits := binary.BigEndian.Uint64(sum)
	for _, node := range []uint64{bits >> 34, bits >> 4 & (1<<30 - 1)} {
		if strings.Count(fixed, ".") < 2 {
			fixed += "." + strconv.FormatUint(node, 10)
		}
	}
	return fixed
}

// exact says of a kind's service that names stand in ARNs as they are given, where Image Builder normalises them.
func (k *Kind) exact() bool {
	service, _ := k.Create.split()
	return service == "appstream"
}

// longestName is how long a name can be: the 128 characters of Image Builder's ResourceName, or the 100 that
// AppStream's documentation has, though its model's pattern would take one more.
func longestName(k *Kind) int {
	if k.exact() {
		return 100
	}
	return 128
}

// hashedName appends 12 hex digits to a name and keeps the whole within what the service takes.
func hashedName(name, digest string, longest int) string {
	longest -= 1 + 12
	if len(name) > longest {
		name = strings.TrimRight(name[:longest], " -_")
	}
	return name + "-" + digest[:12]
}

// nameAfterRecipe gives an image the name and version of its recipe, which identify it in AWS.
func (s *sealer) nameAfterRecipe(n *Node) {
	for _, m := range n.Kind.Identity {
		switch v := n.Input[m].(type) {
		case dsl.Ref:
			recipe := s.nodes[v.Addr]
			n.Known["name"], n.Known["version"] = recipe.Known["name"], recipe.Known["version"]
		case string:
			arn, err := awsmodel.ParseARN(v)
			if err != nil {
				continue // check has refused it already
			}
			if parts := strings.Split(arn.Resource, "/"); len(parts) == 3 && !strings.Contains(parts[2], "x") {
				n.Known["name"], n.Known["version"] = parts[1], parts[2]
			}
		}
	}
}

// configDigest covers all that a configuration asks for, before anything was looked up: it does not
// change with the order of blocks, the files they stand in, or what is in AWS.
func configDigest(nodes []*Node) string {
	h := sha256.New()
	var b []byte
	for _, n := range nodes {
		b = appendString(b[:0], n.Addr.String())
		b = appendString(b, n.Kind.Name)
		b = appendString(b, n.Name)
		b = appendString(b, n.Fixed)
		b = appendJSON(b, n.Input, func(b []byte, r dsl.Ref) []byte { return appendString(append(b, '$'), r.String()) })
		for _, a := range n.After {
			b = appendString(b, a.String())
		}
		if n.Work != nil {
			b = n.Work.appendJSON(b)
		}
		_, _ = fmt.Fprintf(h, "%d:", len(b))
		_, _ = h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}
