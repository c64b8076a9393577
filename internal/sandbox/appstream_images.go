package sandbox

import (
	"cmp"
	"slices"
	"strings"
)

// imageQuota is AWS's default number of images.
const imageQuota = 10

func (a *appStream) imageAnswers() map[string]answer {
	return map[string]answer{
		"DescribeImages": a.describeImages,
		"DeleteImage":    a.deleteImage,
		"CopyImage":      a.copyImage,

		"CreateImportedImage":   a.importImage,
		"CreateUpdatedImage":    a.updateImage,
		"CreateExportImageTask": a.exportImage,
		"GetExportImageTask":    a.exportTask,
		"ListExportImageTasks":  a.listExports,

		"UpdateImagePermissions":   a.share,
		"DeleteImagePermissions":   a.unshare,
		"DescribeImagePermissions": a.describeShares,
	}
}

// describeImages shows the images of given names (own and public), of given ARNs (also shared), or of a kind.
func (a *appStream) describeImages(c *call) (object, error) {
	names, arns, typ := texts(c.in, "Names"), texts(c.in, "Arns"), text(c.in, "Type")
	if typ != "" && len(names)+len(arns) > 0 || len(names) > 0 && len(arns) > 0 {
		return nil, fail("InvalidParameterCombinationException", "Names, Arns and Type cannot be combined.")
	}
	var found []*streamResource
	for _, name := range names {
		r := a.imageNamed(c, name)
		if r == nil || a.late(r) {
			return nil, missing(c, kindImage, name)
		}
		found = append(found, r)
	}
	for _, arn := range arns {
		r := a.imageByARN(c, arn)
		if r == nil {
			return nil, missing(c, kindImage, arn)
		}
		found = append(found, r)
	}
	if len(names)+len(arns) == 0 {
		found = a.visible(c, typ)
	}
	entries := make([]any, 0, len(found))
	for _, r := range found {
		entries = append(entries, a.showImage(c, r))
	}
	return a.page(c, "Images", 25, entries)
}

// late is whether a new image is not known to this description yet.
func (a *appStream) late(r *streamResource) bool {
	if r.Hidden == 0 {
		return false
	}
	r.Hidden--
	a.save(r)
	return true
}

// visible are the images of a visibility, "" for all: an account's own first, then those shared with it, then the public ones.
func (a *appStream) visible(c *call, typ string) []*streamResource {
	var out []*streamResource
	if typ == "" || typ == "PRIVATE" {
		out = slices.DeleteFunc(a.all(c.region, c.account, kindImage), a.late)
	}
	if typ == "" || typ == "SHARED" {
		for _, key := range sortedKeys(a.db.stream.rows) {
			r := a.db.stream.get(key)
			if _, shared := r.Shares[c.account]; shared && r.Kind == kindImage && r.Region == c.region {
				out = append(out, r)
			}
		}
	}
	if typ == "" || typ == "PUBLIC" {
		out = append(out, a.all(c.region, "", kindImage)...)
	}
	return out
}

// imageNamed finds an image by name: an account's own or a public one. Shared images have no name here.
func (a *appStream) imageNamed(c *call, name string) *streamResource {
	return cmp.Or(a.get(c, kindImage, name), a.db.stream.get(kindImage+"/"+c.region+"//"+name))
}

// imageByARN finds an image that the caller may see.
func (a *appStream) imageByARN(c *call, arn string) *streamResource {
	r := a.byARN(arn)
	if r == nil || r.Kind != kindImage || r.Region != c.region {
		return nil
	}
	if _, shared := r.Shares[c.account]; r.Account == "" || r.Account == c.account || shared {
		return r
	}
	return nil
}

func (a *appStream) showImage(c *call, r *streamResource) object {
	out := with(r.Body, object{"Arn": r.arn()})
	switch r.Account {
	case "":
		out["Visibility"] = "PUBLIC"
	case c.account:
		out["Visibility"], out["ImageSharedWithOthers"] = "PRIVATE", "FALSE"
		if len(r.Shares) > 0 {
			out["ImageSharedWithOthers"] = "TRUE"
		}
	default:
		out["Visibility"], out["ImagePermissions"] = "SHARED", r.Shares[c.account].show()
	}
	return out
}

// baseImage is the image that a call names by ImageName or ImageArn, to be used for "ImageBuilder" or "Fleet".
func (a *appStream) baseImage(c *call, use string) (*streamResource, error) {
	name, arn := text(c.in, "ImageName"), text(c.in, "ImageArn")
	if (name == "") == (arn == "") {
		return nil, fail("InvalidParameterCombinationException", "Exactly one of ImageName and ImageArn must be given.")
	}
	r := a.imageNamed(c, name)
	if arn != "" {
		r = a.imageByARN(c, arn)
	}
	if r == nil {
		return nil, missing(c, kindImage, name+arn)
	}
	if r.Account != "" && r.Account != c.account {
		s := r.Shares[c.account]
		if use == "ImageBuilder" && !s.ImageBuilder || use == "Fleet" && !s.Fleet {
			return nil, missing(c, kindImage, arn)
		}
	}
	if _, hidden := a.noted(c, r.Name, effectDeprecated); hidden {
		return nil, unavailable(r.Name, "DEPRECATED")
	}
	if r.state() != "AVAILABLE" {
		return nil, unavailable(r.Name, r.state())
	}
	if use == "ImageBuilder" && !flag(true, r.Body, "ImageBuilderSupported") {
		return nil, fail("IncompatibleImageException", "The image %s does not support image builders.", r.Name)
	}
	return r, nil
}

// unavailable is the message of the live service.
func unavailable(name, state string) error {
	return fail("ResourceNotAvailableException", "The image %s is %s. The image must be in an AVAILABLE state for this action to succeed.", name, state)
}

// newImageName refuses what newName does, and the names that AWS keeps for itself.
func (a *appStream) newImageName(c *call, name string) error {
	for _, prefix := range []string{"aws", "appstream", "amazon"} {
		if strings.HasPrefix(strings.ToLower(name), prefix) {
			return fail("OperationNotPermittedException", "The name %s begins with %s, which is reserved.", name, prefix)
		}
	}
	return a.newName(c, kindImage, name, imageQuota)
}

// deleteImage refuses images that are shared or used by fleets.
func (a *appStream) deleteImage(c *call) (object, error) {
	name := text(c.in, "Name")
	r := a.get(c, kindImage, name)
	switch {
	case r == nil:
		return nil, missing(c, kindImage, name)
	case !slices.Contains([]string{"AVAILABLE", "FAILED"}, r.state()):
		return nil, a.notIn(r, "AVAILABLE or FAILED")
	case len(r.Shares) > 0:
		return nil, fail("OperationNotPermittedException", "The image %s is shared with other accounts. Remove the permissions first.", name)
	}
	if f := a.fleetOf(r); f != nil {
		return nil, fail("ResourceInUseException", "The image %s is in use by the fleet %s.", name, f.Name)
	}
	a.pass(c, r, "DELETING", "DELETING:"+thenGone)
	return object{"Image": a.showImage(c, r)}, nil
}

// fleetOf is a fleet that uses an image; nil where none does.
func (a *appStream) fleetOf(img *streamResource) *streamResource {
	for _, key := range sortedKeys(a.db.stream.rows) {
		if r := a.db.stream.get(key); r.Kind == kindFleet && text(r.Body, "ImageArn") == img.arn() && r.Account == img.Account {
			return r
		}
	}
	return nil
}
