package planner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// LookupType is the type of the address of a question to AWS that no data block asks; the name of
// such an address is the question itself, in the words an API input would have.
const LookupType = "lookup"

// Question is the reference that stands for the answer to a question: "ssm:/path", "arn:…/x.x.x".
func Question(text string) dsl.Ref {
	return dsl.Ref{Addr: dsl.Addr{Type: LookupType, Name: text}, Attr: "value"}
}

// isLookup says whether an address is answered by Facts.
func isLookup(a dsl.Addr) bool { return a.Type == LookupType || strings.HasPrefix(a.Type, "data.") }

// A compiler carries one Compile.
type compiler struct {
	scope  *Scope
	kinds  map[string]*Kind
	blocks []*dsl.Block // to be lowered
	made   map[dsl.Addr][]dsl.Addr
	nodes  map[dsl.Addr]*Node
	sorted []*Node // by address
	models map[*Kind]model
	looks  map[dsl.Addr]Lookup
	diags  hcl.Diagnostics
	amis   map[AMI]Object         // what EC2 told of parent images, for CheckParents
	seen   map[dsl.Addr]*Observed // what is there, for CheckParents
	partly bool                   // some blocks are broken, so that what they would have made is not there
}

// Compile turns a configuration into the graph of calls it asks for: blocks are expanded and
// lowered, references followed, names compared, and every input is held against AWS's model.
// It reports all it finds; the graph is nil when that includes errors, or when blocks are broken: of
// those, and of what stands on them, nothing is said that may only follow from it. The region is the
// one built in; "" takes the configuration's own.
func Compile(cfg *dsl.Config, kinds map[string]*Kind, region string) (*Graph, hcl.Diagnostics) {
	region = cmp.Or(region, cfg.Settings.Region)
	made := map[dsl.Addr][]dsl.Addr{}
	c := &compiler{
		scope:  &Scope{Config: cfg, Region: region, blocks: map[dsl.Addr]*dsl.Block{}, made: made},
		kinds:  kinds,
		made:   made,
		nodes:  map[dsl.Addr]*Node{},
		models: map[*Kind]model{},
		looks:  map[dsl.Addr]Lookup{},
	}
	c.expand(cfg.Blocks)
	c.lower()
	c.connect()
	c.watch()
	c.collect()
	c.compareNames()
	c.check()
	c.checkNothing()
	nodes := c.order()
	c.diags = settle(c.diags)
	if c.diags.HasErrors() || c.partly {
		return nil, c.diags
	}
	g := &Graph{Nodes: nodes, Config: cfg, Region: region, models: c.models, kinds: c.kinds}
	for _, a := range slices.SortedFunc(maps.Keys(c.looks), compareAddr) {
		g.Lookups = append(g.Lookups, c.looks[a])
	}
	g.digest, g.warned = configDigest(c.sorted), warnings(nil, c.diags)
	return g, c.diags
}

// kindOf is the kind of an address; the type of a source holds its first label.
func (c *compiler) kindOf(a dsl.Addr) *Kind {
	typ, _, _ := strings.Cut(a.Type, ".")
	return c.kinds[typ]
}

// expand replaces blocks by simpler ones until none is left to expand. Blocks are taken by address,
// so that neither their order nor the files they stand in matter.
func (c *compiler) expand(written []*dsl.Block) {
	work := slices.Clone(written)
	slices.SortStableFunc(work, compareBlocks)
	for _, b := range work {
		c.declare(b)
	}
	early := c.expandApart(work)
	for i := 0; i < len(work); i++ {
		b := work[i]
		k := c.kindOf(b.Addr)
		switch {
		case b.Broken:
			c.partly = true
		case k == nil:
			c.fail(b.Range, "Unsupported block", fmt.Sprintf("There is no kind of resource called %q.", b.Addr.Type))
		case k.Expand == nil:
			c.blocks = append(c.blocks, b)
		default:
			var x expanded
			if i < len(early) && k.Apart {
				x, early[i] = early[i], expanded{}
			} else {
				x.blocks, x.diags = k.Expand(c.scope, b)
			}
			c.diags = append(c.diags, x.diags...)
			for _, m := range x.blocks {
				if m.Addr == b.Addr {
					c.scope.blocks[m.Addr] = m
					c.blocks = append(c.blocks, m)
				} else if c.declare(m) {
					work = append(work, m)
				}
			}
		}
	}
	slices.SortStableFunc(c.blocks, compareBlocks)
}

// expanded is what a block's expansion came to.
type expanded struct {
	blocks []*dsl.Block
	diags  hcl.Diagnostics
}

// expandApart expands the blocks that may be expanded side by side, by their place in the list.
func (c *compiler) expandApart(blocks []*dsl.Block) []expanded {
	out := make([]expanded, len(blocks))
	sideBySide(len(blocks), 64, func(i int) {
		if k := c.kindOf(blocks[i].Addr); k != nil && k.Expand != nil && k.Apart && !blocks[i].Broken {
			out[i].blocks, out[i].diags = k.Expand(c.scope, blocks[i])
		}
	})
	return out
}

// declare notes a block under its address and, when it was made for another one, under that.
func (c *compiler) declare(b *dsl.Block) bool {
	if old, ok := c.scope.blocks[b.Addr]; ok && old.Label == b.Label {
		c.fail(b.Range, "Duplicate block", fmt.Sprintf("%s is already declared at %s%s. Rename one of the two.", b.Addr, old.Range, whence(old, b)))
		return false
	}
	c.scope.blocks[b.Addr] = b
	if b.For != (dsl.Addr{}) {
		c.made[b.For] = append(c.made[b.For], b.Addr)
	}
	return true
}

// whence says that a block was made by expansion, which its range alone does not show.
func whence(blocks ...*dsl.Block) string {
	for _, b := range blocks {
		if b.Group != "" {
			return fmt.Sprintf(" (build %q makes a block of that name)", b.Group)
		}
	}
	return ""
}

func (c *compiler) lower() {
	var blocks []*dsl.Block
	taken := make(map[dsl.Addr]bool, len(c.blocks))
	for _, b := range c.blocks {
		if c.kindOf(b.Addr).Lower != nil && !taken[b.Addr] {
			taken[b.Addr] = true
			blocks = append(blocks, b)
		}
	}
	lowered := make([]struct {
		node  *Node
		diags hcl.Diagnostics
	}, len(blocks))
	sideBySide(len(blocks), 256, func(i int) {
		lowered[i].node, lowered[i].diags = c.kindOf(blocks[i].Addr).Lower(c.scope, blocks[i])
	})
	for i, b := range blocks {
		c.diags = append(c.diags, lowered[i].diags...)
		if lowered[i].node != nil {
			c.add(b, lowered[i].node)
		}
	}
}

// add completes the node that a block was lowered to.
func (c *compiler) add(b *dsl.Block, n *Node) {
	n.Addr, n.Kind, n.Origin, n.Group = b.Addr, c.kindOf(b.Addr), b.Range, b.Group
	n.Manifests, n.After = b.Manifests, slices.Concat(b.Needs, c.dependsOn(b))
	if n.Steps == nil {
		n.Steps = b.Steps
	}
	if n.Known == nil {
		n.Known = map[string]any{}
	}
	c.nodes[b.Addr] = n
	c.sorted = append(c.sorted, n)
}

// DependsOn is the attribute that names blocks a block needs without referring to them.
const DependsOn = "depends_on"

// dependsOn is what the attribute names.
func (c *compiler) dependsOn(b *dsl.Block) []dsl.Addr {
	v, _ := b.Body.Attr(DependsOn)
	list, _ := v.V.([]any)
	var out []dsl.Addr
	for i, e := range list {
		if r, ok := e.(dsl.Ref); ok {
			out = append(out, r.Addr)
			continue
		}
		c.fail(v.At(strconv.Itoa(i)), "Not a reference", "What a block depends on is named by a reference without quotes: [staged_file.site].")
	}
	return out
}

// at is where the nearest part of an input's path was written.
func (n *Node) at(path string) hcl.Range {
	for path != "" {
		if r, ok := n.Ranges[path]; ok {
			return r
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return n.Origin
}

func (c *compiler) fail(at hcl.Range, summary, detail string) {
	c.diags = append(c.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at.Ptr()})
}

func compareAddr(a, b dsl.Addr) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key))
}

func compareBlocks(a, b *dsl.Block) int {
	return cmp.Or(compareAddr(a.Addr, b.Addr), cmp.Compare(a.Label, b.Label), compareRange(a.Range, b.Range))
}

func compareRange(a, b hcl.Range) int {
	return cmp.Or(cmp.Compare(a.Filename, b.Filename), cmp.Compare(a.Start.Byte, b.Start.Byte), cmp.Compare(a.End.Byte, b.End.Byte))
}
