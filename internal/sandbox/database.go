package sandbox

import (
	"cmp"
	"slices"
	"time"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// A database is everything the services remember, but objects in S3 and log lines.
type database struct {
	*store
	resources  *table[resource]
	executions *table[execution]
	amis       *table[ami]
	snapshots  *table[snapshot]
	templates  *table[launchTemplate]
	parameters *table[parameter]
	secrets    *table[secret]
	tokens     *table[token]
	keys       *table[accessKey]
	counters   *table[int64]
	stream     *table[streamResource]
	logGroups  *table[logsGroup]
	lifecycle  *table[lifecycleExecution]

	families map[string][]*resource // by family, oldest version first
	seeded   map[string]bool        // regions whose managed things are there
	account  string                 // the sandbox's own
}

// A resource is one thing of Image Builder's. Body is what its Get call shows.
type resource struct {
	ARN     string
	Version version // zero for kinds without
	Build   int     // 0 for kinds without
	Seq     int64   // order of creation
	Created time.Time
	Body    object
	Policy  string `json:",omitempty"`
	Work    *work  `json:",omitempty"` // of an image that is made here

	ref     ref
	managed bool // AWS's own: made anew at each start, never written
}

// An ami is a machine image that EC2 shows.
type ami struct {
	ID, Region, Owner, Alias    string
	Name, Description           string
	Platform, OS, Architecture  string // Platform as Image Builder says it: Linux, Windows, macOS
	Created                     time.Time
	Public                      bool
	Tags                        map[string]string
	Layers                      []string // directories of the changes it consists of, newest first, below layers/
	Image                       string   // the image it came from
	Snapshot                    string   `json:",omitempty"` // of its disk; "" for those of others
	SharedWith, OrganizationIDs []string
	Deprecated                  *time.Time `json:",omitempty"` // from when on
	Disabled                    bool       `json:",omitempty"`
	hardware
}

// A parameter is one of SSM's, in its newest version.
type parameter struct {
	Name, Region, Type, Value, DataType string
	Account                             string `json:",omitempty"` // "" is the sandbox's own
	Version                             int64
	Modified                            time.Time

	Description, KeyID, AllowedPattern, Tier, Policies, User string            `json:",omitempty"`
	Labels                                                   []string          `json:",omitempty"`
	Tags                                                     map[string]string `json:",omitempty"`
	Older                                                    []parameter       `json:",omitempty"` // earlier versions, the oldest first, without tags
}

// A token is what a client token was used for.
type token struct {
	Input  string // canonical
	Output object
	ARN    string // of what was made
}

// An accessKey is a temporary credential that STS gave out.
type accessKey struct {
	ARN, Account, UserID string
	Expires              time.Time
}

func newDatabase(dir string) *database {
	s := newStore(dir)
	return &database{
		store:      s,
		resources:  newTable[resource](s, "resource"),
		executions: newTable[execution](s, "execution"),
		amis:       newTable[ami](s, "ami"),
		snapshots:  newTable[snapshot](s, "snapshot"),
		templates:  newTable[launchTemplate](s, "template"),
		parameters: newTable[parameter](s, "parameter"),
		secrets:    newTable[secret](s, "secret"),
		tokens:     newTable[token](s, "token"),
		keys:       newTable[accessKey](s, "key"),
		counters:   newTable[int64](s, "counter"),
		stream:     newTable[streamResource](s, "appstream"),
		logGroups:  newTable[logsGroup](s, "loggroup"),
		lifecycle:  newTable[lifecycleExecution](s, "lifecycle"),
		families:   map[string][]*resource{},
		seeded:     map[string]bool{},
	}
}

// open reads the state and indexes it.
func (db *database) open() error {
	if err := db.store.open(); err != nil {
		return err
	}
	for arn, r := range db.resources.rows {
		r.ref, _ = parseRef(arn)
		db.index(r)
	}
	return nil
}

func (db *database) index(r *resource) {
	f := r.ref.family()
	at, _ := slices.BinarySearchFunc(db.families[f], r, olderFirst)
	db.families[f] = slices.Insert(db.families[f], at, r)
}

func olderFirst(a, b *resource) int {
	return cmp.Or(a.Version.compare(b.Version), cmp.Compare(a.Build, b.Build))
}

// count returns the next number of a sequence that never gives one out twice.
func (db *database) count(name string) int64 {
	n := int64(1)
	if last := db.counters.get(name); last != nil {
		n = *last + 1
	}
	db.counters.put(name, &n)
	return n
}

// add stores a new resource.
func (db *database) add(r *resource) {
	r.Seq = db.count("seq")
	r.ref, _ = parseRef(r.ARN)
	db.resources.put(r.ARN, r)
	db.index(r)
}

// seed shows a managed resource, without writing it.
func (db *database) seed(r *resource) {
	r.managed = true
	r.ref, _ = parseRef(r.ARN)
	db.index(r)
}

// save stores a changed resource.
func (db *database) save(r *resource) {
	if !r.managed {
		db.resources.put(r.ARN, r)
	}
}

// drop forgets a resource and the client tokens that made it.
func (db *database) drop(r *resource) {
	f := r.ref.family()
	db.families[f] = slices.DeleteFunc(db.families[f], func(o *resource) bool { return o == r })
	if len(db.families[f]) == 0 {
		delete(db.families, f)
	}
	db.resources.remove(r.ARN)
	for key, t := range db.tokens.rows {
		if t.ARN == r.ARN {
			db.tokens.remove(key)
		}
	}
}

// exact returns the resource of just this ARN.
func (db *database) exact(arn string) *resource {
	if r := db.resources.get(arn); r != nil {
		return r
	}
	f, ok := parseRef(arn)
	if !ok {
		return nil
	}
	for _, r := range db.families[f.family()] {
		if r.ARN == arn {
			return r
		}
	}
	return nil
}

// resolve returns what an ARN stands for: just that resource, or the latest usable one that a
// version without a build, or a version with x, matches.
func (db *database) resolve(arn, kind string) *resource {
	f, ok := parseRef(arn)
	if !ok || f.kind != kind {
		return nil
	}
	if r := db.exact(arn); r != nil {
		return r
	}
	p, ok := parsePattern(f.version)
	if !ok || f.build != 0 {
		return nil
	}
	for _, r := range slices.Backward(db.families[f.family()]) {
		if p.matches(r.Version) && r.usable() {
			return r
		}
	}
	return nil
}

// usable is whether a reference without a build may stand for r: an image that is AVAILABLE, a
// component or workflow that is neither deprecated nor disabled.
func (r *resource) usable() bool {
	switch r.ref.kind {
	case "image":
		return text(r.Body, "state", "status") == "AVAILABLE"
	case "component", "workflow":
		return text(r.Body, "state", "status") != "DISABLED" && text(r.Body, "state", "status") != "DEPRECATED"
	}
	return true
}

// builds are the resources of one family and version, oldest first.
func (db *database) builds(family string, v version) []*resource {
	var out []*resource
	for _, r := range db.families[family] {
		if r.Version == v {
			out = append(out, r)
		}
	}
	return out
}

// all returns a region's resources of one kind that an owner has, in order of creation.
func (db *database) all(region, owner, kind string) []*resource {
	var out []*resource
	for _, family := range db.families {
		f := family[0].ref
		if f.kind != kind || f.region != region || f.owner != owner {
			continue
		}
		out = append(out, family...)
	}
	return inOrder(out)
}

// inOrder sorts resources in the order of their creation.
func inOrder(rs []*resource) []*resource {
	slices.SortFunc(rs, func(a, b *resource) int { return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.ARN, b.ARN)) })
	return rs
}

// prefix is how ARNs of a region begin.
func arnPrefix(region, owner string) string {
	return "arn:" + awsmodel.PartitionOf(region) + ":imagebuilder:" + region + ":" + owner + ":"
}

// latestReferences are the ARNs that follow new versions of r.
func (r *resource) latestReferences() object {
	base := r.ref.family() + "/"
	if r.managed {
		return object{"latestVersionArn": base + "x.x.x"}
	}
	v := r.Version
	return object{
		"latestVersionArn":      base + "x.x.x",
		"latestMajorVersionArn": base + pattern{v[0], wild, wild}.String(),
		"latestMinorVersionArn": base + pattern{v[0], v[1], wild}.String(),
		"latestPatchVersionArn": base + v.String(),
	}
}
