package sandbox

import (
	"cmp"
	"slices"
	"time"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// The kinds of AppStream's resources, as ARNs spell them.
const (
	kindImage     = "image"
	kindBuilder   = "image-builder"
	kindFleet     = "fleet"
	kindExport    = "export-image-task"
	kindStack     = "stack"
	kindDirectory = "directory-config"

	kindAppBlock        = "app-block"
	kindAppBlockBuilder = "app-block-builder"
	kindApplication     = "application"
	kindEntitlement     = "entitlement"
	kindTheme           = "theme"
	kindUser            = "user"
	kindUsageReport     = "usage-report-subscription"
)

// A streamResource is one thing of AppStream's. Body is what its Describe call shows.
type streamResource struct {
	Kind, Region, Account, Name string
	Seq                         int64 // order of creation
	Created                     time.Time
	Body                        object
	Tags                        map[string]string `json:",omitempty"`
	// Ahead are the states still to come, in order.
	Ahead []stage `json:",omitempty"`
	// Shares are the permissions of an image, by account.
	Shares map[string]share `json:",omitempty"`
	// Layers are the directories that an image or a builder's image consists of, newest first.
	Layers []string `json:",omitempty"`
	// VolumeGB is the size of an image's root volume.
	VolumeGB int64 `json:",omitempty"`
	// Hidden is how many descriptions of a builder have no address yet.
	Hidden int `json:",omitempty"`
	// Software are the license-included applications by name, with their status.
	Software map[string]string `json:",omitempty"`
	// Needs is what a resource refers to, by the name of the reference.
	Needs map[string]string `json:",omitempty"`
}

// A share is what an account may do with another's image.
type share struct{ Fleet, ImageBuilder bool }

func (s share) show() object {
	return object{"allowFleet": s.Fleet, "allowImageBuilder": s.ImageBuilder}
}

// arn is the resource's. Public images have an empty account.
func (r *streamResource) arn() string { return streamARN(r.Region, r.Account, r.Kind, r.Name) }

func streamARN(region, account, kind, name string) string {
	return "arn:" + awsmodel.PartitionOf(region) + ":" + appStreamService + ":" + region + ":" + account + ":" + kind + "/" + name
}

func (r *streamResource) key() string {
	return r.Kind + "/" + r.Region + "/" + r.Account + "/" + r.Name
}

func (r *streamResource) state() string { return text(r.Body, "State") }

func (r *streamResource) set(members object) { r.Body = with(r.Body, members) }

// get returns one resource by name, nil where there is none.
func (a *appStream) get(c *call, kind, name string) *streamResource {
	return a.db.stream.get(kind + "/" + c.region + "/" + c.account + "/" + name)
}

// byARN returns the resource of an ARN, whosever it is.
func (a *appStream) byARN(arn string) *streamResource {
	p, err := awsmodel.ParseARN(arn)
	if err != nil || p.Service != appStreamService {
		return nil
	}
	for i := range p.Resource {
		if p.Resource[i] == '/' {
			return a.db.stream.get(p.Resource[:i] + "/" + p.Region + "/" + p.Account + "/" + p.Resource[i+1:])
		}
	}
	return nil
}

// all are the resources of a kind that an account has in the call's region, in order of creation.
func (a *appStream) all(region, account, kind string) []*streamResource {
	var out []*streamResource
	for _, r := range a.db.stream.rows {
		if r.Kind == kind && r.Region == region && r.Account == account {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(x, y *streamResource) int { return cmp.Or(cmp.Compare(x.Seq, y.Seq), cmp.Compare(x.Name, y.Name)) })
	return out
}

// add stores a new resource of the caller's with the tags of the call.
func (a *appStream) add(c *call, r *streamResource) {
	r.Region, r.Account = cmp.Or(r.Region, c.region), cmp.Or(r.Account, c.account)
	r.Seq, r.Created = a.db.count("appstream"), c.now
	r.set(object{"Name": r.Name, "Arn": r.arn(), "CreatedTime": streamTime(c.now)})
	if r.Tags == nil {
		r.Tags = tagsOf(c.in["Tags"])
	}
	a.save(r)
}

func (a *appStream) save(r *streamResource) {
	if r.Account != "" { // public images are made anew at each start
		a.db.stream.put(r.key(), r)
	}
}

func (a *appStream) remove(r *streamResource) { a.db.stream.remove(r.key()) }

func streamTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// missing answers for what is not there, in the words that clients have seen about images.
func missing(c *call, kind, name string) error {
	return fail("ResourceNotFoundException", "The %s %s for account %s does not exist.", spoken(kind), name, c.account)
}

// taken answers a second create of a name.
func taken(kind, name string) error {
	return fail("ResourceAlreadyExistsException", "The %s %s already exists.", spoken(kind), name)
}
