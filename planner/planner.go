// Package planner compiles configuration to a graph of AWS calls and decides which of them are needed.
//
// It is pure: no network, no clock, no environment, no operating system. What it needs of the
// outside is handed to it: files through dsl.Host.FS, AWS's answers as Facts and Observed.
package planner

import (
	"cmp"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
)

// An Op names one AWS operation as "service:Operation": "imagebuilder:CreateComponent".
type Op string

// An Object is an operation's input or output in the wire's own vocabulary. Its leaves are
// string, bool, int64, float64 and dsl.Ref; its branches map[string]any and []any.
type Object map[string]any

// A Naming says how a kind's identity in AWS follows from its content (docs/architecture.md, "Identity").
type Naming byte

// The namings.
const (
	// ContentVersion keeps the name and derives what is not fixed of semanticVersion from the digest.
	ContentVersion Naming = iota
	// HashedName appends the digest's first 12 hex digits to the name, unless the user gave the whole
	// name: Node.Fixed. What is there under such a name must have this content.
	HashedName
	// StableName keeps the name; a difference is an update.
	StableName
	// OfRecipe has no name of its own: an image is identified by its recipe.
	OfRecipe
	// ContentKey is an S3 key that holds the content's sha256.
	ContentKey
	// NamedAfter has the name of what its member for the name refers to: a copy, a permission of an image.
	NamedAfter
)

// A Kind is all that imagebuild knows of one kind of resource.
type Kind struct {
	Name  string        // the block type, and the first half of an address
	Block dsl.BlockType // how it is written
	// Lower turns a block into the input of Create, in a map of its own. Expand turns it into simpler blocks first; the
	// one among them that has the block's own address is lowered, not expanded again. Blocks are lowered
	// side by side: Lower changes nothing but what it returns.
	Lower  func(*Scope, *dsl.Block) (*Node, hcl.Diagnostics)
	Expand func(*Scope, *dsl.Block) ([]*dsl.Block, hcl.Diagnostics)
	// Apart says that Expand reads nothing that an expansion makes, and changes nothing but what it
	// returns, so that blocks of the kind are expanded side by side, before all others. No expansion makes such blocks.
	Apart bool
	// Makes says that blocks of this kind are written for what they expand to: a configuration none of whose blocks of
	// this kind came to anything is refused.
	Makes bool

	Naming Naming
	// NameMember and TagsMember are what Create's input calls name and tags; "" for "name" and "tags".
	NameMember, TagsMember string
	Create                 Op
	Read                   Op
	List                   Op                // "" where existence is asked one by one
	Update                 Op                // "" where AWS has none
	Delete                 Op                // "" where nothing is to be deleted
	Outputs                map[string]string // attribute -> member of Create's output, as the wire spells it
	// Identity are the top-level members that make up the digest; nil means all but tags.
	Identity []string
	// Resource begins the resource part of its ARN: "image-recipe". "{member}" stands for the
	// lower-cased value of that member of the input.
	Resource string
	// Accepts says, by member name, of which kinds a reference makes sense there. A member that is
	// not listed takes any.
	Accepts map[string][]string
	// Watches are the nodes whose look-ups this one leaves to AWS to watch; nil where none.
	Watches func(*Node) []dsl.Addr
	// Cleared are the members that an update takes away when the configuration no longer has them.
	// AWS fills the other members in by itself, so that their presence means nothing.
	Cleared []string
	// Mend says how to make up what Observed.Missing lists, and to bring Observed.Distributed to what is
	// wanted. Where nothing can be done the diagnostics say why.
	Mend func(*Node, *Observed) (Mending, hcl.Diagnostics)
	// Pointer says why a pull request does not make it: others follow what it points to, or it reaches
	// beyond the region built in. "" for what is made once under a name of its content, which a pull
	// request makes as its merge would.
	Pointer string
	// Confine is the create call's input without what reaches beyond the region built in, and a phrase
	// that says what was left out, "" for nothing. nil where no kind of input does.
	Confine func(*Node) (in Object, left string)
	// Varies says that another thing may turn out to stand for it, so that what refers to its name asks when it is
	// made; a name that is given is then all of its identity.
	Varies bool
	// Partial says that an update sends what differs alone: what is not sent stays as it is.
	Partial bool
	// ClearedBy are, for a kind whose update is partial, the words that take members away, by member; they
	// go into the update's member AttributesToDelete.
	ClearedBy map[string]string
	// Surplus are changes that take away what is there beside the node and is not asked for, given what
	// was observed of the node. It may warn of what that leads to.
	Surplus func(*Graph, *Node, *Observed) ([]*Change, hcl.Diagnostics)
	// Unsettled says what is left to do about something that exists and whose members are as wanted: it should run and
	// does not, or an earlier run stopped halfway. nil for a kind that is settled once its members are.
	Unsettled func(*Node, *Observed) Rest
	// Example is a configuration that uses the kind, for the documentation and for tests.
	Example string
}

// A Rest is what is left to do about something that exists. Its zero value is nothing.
type Rest struct {
	Verb   Verb   // Update or Wait; "" for nothing
	Op     Op     // of an update
	Args   Object // the input of Op
	Reason string
}

// nameMember and tagsMember are members of Create's input.
func (k *Kind) nameMember() string { return cmp.Or(k.NameMember, "name") }
func (k *Kind) tagsMember() string { return cmp.Or(k.TagsMember, "tags") }

// A Scope is what lowering may look at besides its own block.
type Scope struct {
	Config *dsl.Config
	Region string
	blocks map[dsl.Addr]*dsl.Block
	made   map[dsl.Addr][]dsl.Addr // what expansion made, by the block it is for
}

// Block returns another block of the configuration, one made by expansion included.
func (s *Scope) Block(a dsl.Addr) (*dsl.Block, bool) {
	b, ok := s.blocks[a]
	return b, ok
}

// Made returns the block of one of these types that expansion made for a; false where there is none, or several.
func (s *Scope) Made(a dsl.Addr, types []string) (made *dsl.Block, ok bool) {
	for _, m := range s.made[a] {
		if b := s.blocks[m]; b != nil && b.For == a && slices.Contains(types, b.Addr.Type) {
			if made != nil {
				return nil, false
			}
			made = b
		}
	}
	return made, made != nil
}

// A Content is the bytes of a staged file, opened as often as needed and the same each time.
type Content = dsl.Content

// A Node is one resource the configuration asks for.
type Node struct {
	Addr   dsl.Addr
	Kind   *Kind
	Input  Object
	Needs  []dsl.Addr // the nodes whose outputs Input and Work refer to, sorted
	Digest string     // 64 hex digits; "" while a look-up it depends on is unanswered
	Origin hcl.Range  // what the user wrote
	Group  string     // the build it belongs to; "" for none
	// Ranges says which part of the configuration wrote which part of Input, by path:
	// "distributions[0].region".
	Ranges map[string]hcl.Range
	// Steps leads a component's steps back to their writers, by "phase/step".
	Steps map[string]hcl.Range
	// Content is the body of a staged file.
	Content Content
	// Work is what is to be done inside the machine that the node is; nil for none.
	Work *Work
	// Known are outputs that follow from the plan alone: name, version, and of staged files uri.
	Known map[string]any
	// Name is the name before a digest was appended to it.
	Name string
	// Fixed are the leading nodes of the version that the user fixed: "2", "2.3", "2.3.1"; "" for none. Of a
	// HashedName it is the whole name, where the user gave it.
	Fixed string
	// Region is where it is made, where that is not the graph's region; "" otherwise.
	Region string
	// Settings are how it is carried out, beyond the call: how long is waited, what is looked at before the next.
	// They are no part of the digest.
	Settings Object
	// After are nodes that must be there first although no reference leads to them, sorted.
	After []dsl.Addr
	// Distributes are the workflows, among those an image runs, that belong to its distribution.
	Distributes []dsl.Addr
	// Manifests are the manifest post-processors that record an image once it is made.
	Manifests []*dsl.Nested

	judged Object // Input as rules read it, since it was last checked
}

// A Lookup is a question that only AWS can answer and whose answer belongs to the digest:
// which image a name stands for today.
type Lookup struct {
	// Addr is {lookup, "ssm:/path"} or {lookup, "arn:…/x.x.x"} or a data block's.
	Addr   dsl.Addr
	Origin hcl.Range
}

// Facts are answers to look-ups: attribute -> value by address. The attribute of a Lookup that is
// no data block is "value".
type Facts map[dsl.Addr]map[string]string

// A Graph holds nodes in dependency order, ties broken by address.
type Graph struct {
	Nodes   []*Node
	Lookups []Lookup
	Config  *dsl.Config
	Region  string

	digest string // of all that the configuration asks for
	warned map[warning]bool
	models map[*Kind]model
	kinds  map[string]*Kind
}

// Kind is one of the kinds that the graph was compiled with; nil for another.
func (g *Graph) Kind(name string) *Kind { return g.kinds[name] }

// Observed is what one address already has in AWS.
type Observed struct {
	// Exists is whether the resource, under the name and version the plan wants, is there.
	Exists bool
	// State is AWS's own word (AVAILABLE, BUILDING, FAILED …) for images, and of fleets (RUNNING, STOPPED …); "" for other kinds.
	State string
	// Unwell is what something that runs lacks of the health that the configuration asks for; "" for nothing.
	Unwell string
	// Digest is the tag imagebuild:digest where it was read, "" where it was not.
	Digest string
	// Input is what an updatable resource holds today, in the vocabulary of Update's input.
	Input Object
	// Outputs are what references to it yield: arn, ami.
	Outputs map[string]any
	// Attempt counts the builds of an image that ended without success.
	Attempt int
	// Missing are regions whose distribution an AVAILABLE image lacks.
	Missing []string
	// Distributed is how an AVAILABLE image was distributed, where that is not how it is to be; nil otherwise.
	Distributed *Distributed
	// Took is how long the newest successful build of an image of this name took; 0 where none is known.
	Took time.Duration
	// Versions are other versions of the same name that are there, where the observer knows them.
	Versions []string
	// Previous is the newest other version of a recipe that is not there; nil where there is none, or none
	// was looked for.
	Previous *Previous
	// Tags are the tags whose keys begin with "imagebuild:"; of an image those of the build chosen.
	Tags map[string]string
	// Beside is what is there beside the thing itself, by sort, for Kind.Surplus.
	Beside map[string][]Object
}

// A Verb is what to do about a node. ("Action" means a GitHub Action here.)
type Verb string

// The verbs.
const (
	None   Verb = "none"   // it is there already
	Create Verb = "create" // it is not
	Update Verb = "update" // it is there and differs
	Delete Verb = "delete"
	Wait   Verb = "wait"  // it is being made: attach
	Later  Verb = "later" // a pull request does not do this: its merge does
)

// A Change is one node and what to do about it.
type Change struct {
	*Node
	Verb   Verb
	Reason string // a sentence: why this verb
	// Op is the call that carries it out: "" for none, later, and updates of tags alone; of a wait the
	// call that follows it, "" for none.
	Op Op
	// Args is the input of Op where it is not that of Create: an update's. See Call.
	Args     Object
	Observed *Observed
	// First says of a surplus change that it goes before its node's own.
	First bool
	// Estimate is how long earlier builds of it took; 0 where nothing is known.
	Estimate time.Duration
	// Retag are tags to change of what is there, before Op; nil for none.
	Retag *Retag
	// Region is where Op is called; "" is the graph's.
	Region string
	// Left says what a pull request leaves out of the call; "" for nothing.
	Left string
}

// Call is the input of Op, references included.
func (c *Change) Call() Object {
	if c.Args != nil {
		return c.Args
	}
	return c.Input
}

// A Plan is a whole answer: what there is to do, in an order it can be done.
type Plan struct {
	Changes []*Change
	Graph   *Graph
	Account string // "" offline
	Offline bool
	// PullRequest is the one that the plan is of; nil for none.
	PullRequest *PullRequest
	// Diags are warnings that belong to the plan.
	Diags hcl.Diagnostics
}
