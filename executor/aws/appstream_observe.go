package aws

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// appstream says what exists of nodes of AppStream, which are all read by the same operation.
func (o *observer) appstream(ctx context.Context, op planner.Op, nodes []*planner.Node) error {
	look, ok := map[planner.Op]func(context.Context, *planner.Node) (*planner.Observed, error){
		"appstream:DescribeImages":           o.appstreamImage,
		"appstream:DescribeImagePermissions": o.permission,
		"appstream:ListExportImageTasks":     o.exported,
		"appstream:DescribeFleets":           o.fleet,
		"appstream:DescribeStacks":           o.named,
		"appstream:DescribeDirectoryConfigs": o.directory,
		"appstream:ListAssociatedStacks":     o.association,
	}[op]
	if !ok {
		return fmt.Errorf("%s is not among what executor/aws reads of AppStream: add it to appstream_observe.go", op)
	}
	return forEach(ctx, nodes, func(ctx context.Context, n *planner.Node) error {
		if _, known := n.Known["name"].(string); !known {
			return nil // it is found out when it is made
		}
		seen, err := look(ctx, n)
		if err != nil {
			return err
		}
		o.record(n, seen)
		return nil
	})
}

// seenLists are what was listed for one observation, by what was asked and where.
type seenLists struct {
	mu    sync.Mutex
	asked map[listingKey]*seenList
}

// A seenList is one list. Who asks holds its turn; the others wait for the answer, and for no other list's.
type seenList struct {
	turn  chan struct{}
	known bool
	found []object
}

// once is what ask says, asked once for each key. An error is not kept.
func (l *seenLists) once(ctx context.Context, key listingKey, ask func() ([]object, error)) ([]object, error) {
	l.mu.Lock()
	list, ok := l.asked[key]
	if !ok {
		if l.asked == nil {
			l.asked = map[listingKey]*seenList{}
		}
		list = &seenList{turn: make(chan struct{}, 1)}
		l.asked[key] = list
	}
	l.mu.Unlock()
	select {
	case list.turn <- struct{}{}:
		defer func() { <-list.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if list.known {
		return list.found, nil
	}
	found, err := ask()
	if err == nil {
		list.known, list.found = true, found
	}
	return found, err
}

// listed lists something once for all nodes.
func (o *observer) listed(ctx context.Context, op planner.Op, region string) ([]object, error) {
	return o.lists.once(ctx, listingKey{op, region}, func() ([]object, error) {
		var in object
		if op == "appstream:DescribeImages" {
			in = privateImages
		}
		return o.clients.all(ctx, op, region, in)
	})
}

// regionOf is where a node is made.
func (o *observer) regionOf(n *planner.Node) string { return cmp.Or(n.Region, o.region) }

// find is a thing of a list by its name; nil where it is not there.
func (o *observer) find(ctx context.Context, op planner.Op, n *planner.Node) (object, error) {
	things, err := o.listed(ctx, op, o.regionOf(n))
	for _, thing := range things {
		if text(thing, lists[op].name) == n.Known["name"] {
			return thing, err
		}
	}
	return nil, err
}

// appstreamImage observes an image, and what there is beside it that may have to go.
func (o *observer) appstreamImage(ctx context.Context, n *planner.Node) (*planner.Observed, error) {
	image, err := o.find(ctx, "appstream:DescribeImages", n)
	if err != nil {
		return nil, err
	}
	seen := &planner.Observed{Beside: map[string][]planner.Object{}}
	if image == nil {
		err = o.preflight(ctx, n)
	} else {
		err = o.there(ctx, n, image, seen)
	}
	if err != nil {
		return nil, err
	}
	if n.Kind.Create == "appstream:CreateImageBuilder" {
		left, leftErr := o.clients.leftBuilders(ctx, o.regionOf(n), n)
		if leftErr != nil {
			return nil, leftErr
		}
		for _, b := range left {
			seen.Beside["builders"] = append(seen.Beside["builders"], planner.Object{"Name": text(b, "Name"), "State": text(b, "State")})
		}
	}
	if n.Region == "" {
		seen.Beside["images"], err = o.siblings(ctx, n)
	}
	return seen, err
}

// there takes in what an image that is there tells.
func (o *observer) there(ctx context.Context, n *planner.Node, image object, seen *planner.Observed) error {
	seen.Exists, seen.State, seen.Outputs = true, text(image, "State"), imageOutputs(image)
	tags, err := o.clients.tagsOf(ctx, o.regionOf(n), text(image, "Arn"))
	if err != nil {
		return err
	}
	seen.Digest = text(tags, planner.TagDigest)
	if n.Kind.Create == "appstream:CopyImage" {
		if err = o.copied(ctx, n, image, seen); err != nil {
			return err
		}
	}
	if seen.State != available {
		return nil
	}
	if n.Kind.Mend != nil && lacksTags(n, tags) {
		seen.Missing = append(seen.Missing, "tags")
	}
	seen.Beside["permissions"], err = o.permissions(ctx, n)
	return err
}

// lacksTags says whether something lacks tags that are put on it after it was made.
func lacksTags(n *planner.Node, has object) bool {
	for k, want := range planner.LaterTags(n) {
		if want != has[k] {
			return true
		}
	}
	return false
}

// preflight looks at the AMI of an import that is still to be made.
func (o *observer) preflight(ctx context.Context, n *planner.Node) error {
	id, known := n.Input["SourceAmiId"].(string)
	if !known {
		return nil
	}
	found, err := o.clients.sourceImage(ctx, o.regionOf(n), id)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	at := written(n, "SourceAmiId")
	for _, f := range found {
		o.diags = append(o.diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Image cannot be imported", Subject: at.Ptr(),
			Detail: "AppStream does not import " + id + ": " + f.Message + ". " + f.Advice,
		})
	}
	return nil
}

// permissions are the accounts that an image is shared with.
func (o *observer) permissions(ctx context.Context, n *planner.Node) ([]planner.Object, error) {
	found, err := o.clients.all(ctx, "appstream:DescribeImagePermissions", o.regionOf(n), object{"Name": n.Known["name"]})
	if Code(err) == appstreamGone {
		return nil, nil
	}
	out := make([]planner.Object, len(found))
	for i, p := range found {
		out[i] = planner.Object{"sharedAccountId": text(p, "sharedAccountId"), "imagePermissions": allowances(p)}
	}
	return out, err
}

// allowances are an account's permissions, with what AWS leaves out.
func allowances(p object) map[string]any {
	out := map[string]any{"allowFleet": false, "allowImageBuilder": false}
	maps.Copy(out, sub(p, "imagePermissions"))
	return out
}

// hashed is what completes the name of an image.
var hashed = regexp.MustCompile(`^-[0-9a-f]{12}$`)

// siblings are the account's images, and which of them are earlier ones of the same block. Whether a fleet uses one is
// asked only where one may have to go.
func (o *observer) siblings(ctx context.Context, n *planner.Node) ([]planner.Object, error) {
	images, err := o.listed(ctx, "appstream:DescribeImages", o.regionOf(n))
	if err != nil {
		return nil, err
	}
	rule, _ := n.Settings["retention"].(map[string]any)
	var out []planner.Object
	for _, image := range images {
		entry := planner.Object{"Name": text(image, "Name"), "State": text(image, "State"), "CreatedTime": text(image, "CreatedTime")}
		out = append(out, entry)
		state := text(image, "State")
		if !o.mayBeEarlier(n, text(image, "Name")) || rule == nil && state != "FAILED" {
			continue
		}
		tags, err := o.clients.tagsOf(ctx, o.regionOf(n), text(image, "Arn"))
		if err != nil {
			return nil, err
		}
		wanted, _ := n.Input[cmp.Or(n.Kind.TagsMember, "Tags")].(map[string]any)
		if text(tags, planner.TagAddress) != planner.TagAddressOf(n) || text(tags, planner.TagProject) != text(wanted, planner.TagProject) {
			continue
		}
		entry["Earlier"], entry["Shared"] = true, text(image, "ImageSharedWithOthers") == "TRUE"
		if entry["Used"], err = o.used(ctx, n, image); err != nil {
			return nil, err
		}
		if age, ok := rule["max_age"].(int64); ok {
			made, err := time.Parse(time.RFC3339Nano, text(image, "CreatedTime"))
			entry["Old"] = err == nil && time.Since(made) > time.Duration(age)*time.Second
		}
	}
	return out, nil
}

// mayBeEarlier says whether a name is one that the block could have had: the tags of the image then decide.
func (o *observer) mayBeEarlier(n *planner.Node, name string) bool {
	if name == n.Known["name"] {
		return false
	}
	rest, ok := strings.CutPrefix(name, n.Name)
	return n.Fixed != "" || ok && hashed.MatchString(rest)
}

// used says whether a fleet has the image.
func (o *observer) used(ctx context.Context, n *planner.Node, image object) (bool, error) {
	fleets, err := o.listed(ctx, "appstream:DescribeFleets", o.regionOf(n))
	for _, f := range fleets {
		if text(f, "ImageName") == text(image, "Name") || text(f, "ImageArn") == text(image, "Arn") {
			return true, err
		}
	}
	return false, err
}

func (o *observer) permission(ctx context.Context, n *planner.Node) (*planner.Observed, error) {
	all, err := o.permissions(ctx, n)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if p["sharedAccountId"] == n.Input["SharedAccountId"] {
			return &planner.Observed{Exists: true, Outputs: map[string]any{"name": n.Known["name"]}, Input: planner.Object{
				"Name": n.Known["name"], "SharedAccountId": p["sharedAccountId"], "ImagePermissions": p["imagePermissions"],
			}}, nil
		}
	}
	return &planner.Observed{}, nil
}

// named observes what keeps its name and is compared member by member.
func (o *observer) named(ctx context.Context, n *planner.Node) (*planner.Observed, error) {
	thing, err := o.find(ctx, n.Kind.Read, n)
	if err != nil || thing == nil {
		return &planner.Observed{}, err
	}
	seen := observed(n, thing)
	seen.Outputs = map[string]any{"arn": text(thing, "Arn"), "name": n.Known["name"]}
	return seen, nil
}

// fleet tells the capacity in the words that it is asked for in, whether the fleet runs, and what an earlier run noted on it.
func (o *observer) fleet(ctx context.Context, n *planner.Node) (*planner.Observed, error) {
	thing, err := o.find(ctx, n.Kind.Read, n)
	if err != nil || thing == nil {
		return &planner.Observed{}, err
	}
	seen := observed(n, thing)
	seen.Outputs = map[string]any{"arn": text(thing, "Arn"), "name": n.Known["name"]}
	seen.Input["ComputeCapacity"] = withCapacity(thing)["ComputeCapacity"]
	seen.State, seen.Unwell = text(thing, "State"), unwell(n.Settings, thing)
	tags, err := o.clients.tagsOf(ctx, o.regionOf(n), text(thing, "Arn"))
	seen.Tags = ownTags(object{"tags": tags})
	return seen, err
}

// directory takes the password for the one that is wanted: AWS does not tell it.
func (o *observer) directory(ctx context.Context, n *planner.Node) (*planner.Observed, error) {
	seen, err := o.named(ctx, n)
	if err != nil || !seen.Exists {
		return seen, err
	}
	have, _ := seen.Input["ServiceAccountCredentials"].(map[string]any)
	want, _ := n.Input["ServiceAccountCredentials"].(map[string]any)
	if have != nil && want != nil {
		told := maps.Clone(have)
		told["AccountPassword"] = want["AccountPassword"]
		seen.Input["ServiceAccountCredentials"] = told
	}
	return seen, nil
}

func (o *observer) association(ctx context.Context, n *planner.Node) (*planner.Observed, error) {
	stack := n.Input["StackName"]
	if _, later := stack.(dsl.Ref); later {
		return &planner.Observed{}, nil
	}
	out, err := o.clients.answer(ctx, "appstream:ListAssociatedStacks", o.regionOf(n), object{"FleetName": n.Known["name"]})
	if Code(err) == appstreamGone {
		return &planner.Observed{}, nil
	}
	names, _ := out["Names"].([]any)
	if slices.Contains(names, stack) {
		return &planner.Observed{Exists: true, Outputs: map[string]any{"name": n.Known["name"]}}, err
	}
	return &planner.Observed{}, err
}
