package sandbox

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// AWS's default numbers of copies into one region, and of managed updates, at once.
const (
	copyQuota   = 2
	updateQuota = 5
)

// copyImage copies an image of the caller's. Tags and permissions stay behind.
func (a *appStream) copyImage(c *call) (object, error) {
	source := a.get(c, kindImage, text(c.in, "SourceImageName"))
	if source == nil {
		return nil, missing(c, kindImage, text(c.in, "SourceImageName"))
	}
	if source.state() != "AVAILABLE" {
		return nil, unavailable(source.Name, source.state())
	}
	there := *c
	there.region = text(c.in, "DestinationRegion")
	if !regionName().MatchString(there.region) {
		return nil, fail("ValidationException", "1 validation error detected: Value at 'DestinationRegion' failed to satisfy constraint: It must be a Region")
	}
	if awsmodel.PartitionOf(there.region) != awsmodel.PartitionOf(c.region) {
		return nil, fail("ResourceNotAvailableException", "The Region %s is in another partition than %s. Images can be copied within a partition only.", there.region, c.region)
	}
	a.seedRegion(there.region)
	name := text(c.in, "DestinationImageName")
	copying := 0
	for _, r := range a.all(there.region, c.account, kindImage) {
		if r.state() == "COPYING" {
			copying++
		}
	}
	if err := a.newName(&there, kindImage, name, imageQuota); err != nil {
		return nil, err
	}
	if err := a.within(copying, "concurrent-image-copy", copyQuota); err != nil {
		return nil, err
	}
	there.in = object{}
	r := &streamResource{
		Kind: kindImage, Name: name, Layers: source.Layers, VolumeGB: source.VolumeGB, Software: source.Software,
		Body: without(source.Body, "ImageBuilderName", "ImageErrors", "StateChangeReason"),
	}
	if d := text(c.in, "DestinationImageDescription"); d != "" {
		r.set(object{"Description": d})
	}
	a.add(&there, r)
	a.pass(c, r, "COPYING", "AVAILABLE")
	a.doom(c, r, "ImageErrors", "IMAGE_COPY_FAILURE")
	return object{"DestinationImageName": name}, nil
}

// updateImage makes a new image of an old one with what AWS has renewed since. A builder of the service's own
// does it, which is seen while it lasts.
func (a *appStream) updateImage(c *call) (object, error) {
	old := a.get(c, kindImage, text(c.in, "existingImageName"))
	switch {
	case old == nil:
		return nil, missing(c, kindImage, text(c.in, "existingImageName"))
	case old.state() != "AVAILABLE":
		return nil, a.notIn(old, "AVAILABLE")
	case strings.HasPrefix(text(old.Body, "Platform"), "AMAZON_LINUX") || strings.HasPrefix(text(old.Body, "Platform"), "UBUNTU"):
		return nil, fail("IncompatibleImageException", "Images of the platform %s cannot be updated.", text(old.Body, "Platform"))
	}
	name := text(c.in, "newImageName")
	if err := a.newImageName(c, name); err != nil {
		return nil, err
	}
	current := text(old.Body, "AppstreamAgentVersion") == agentNow
	if flag(false, c.in, "dryRun") {
		return object{"canUpdateImage": !current}, nil
	}
	if current {
		return nil, fail("OperationNotPermittedException", "The image %s is up to date.", old.Name)
	}
	if err := a.roomForUpdate(c); err != nil {
		return nil, err
	}
	r := &streamResource{
		Kind: kindImage, Name: name, Layers: old.Layers, VolumeGB: old.VolumeGB, Software: old.Software, Tags: tagsOf(c.in["newImageTags"]),
		Body: with(without(old.Body, "ImageBuilderName", "ImageErrors", "StateChangeReason"), object{
			"DisplayName": c.in["newImageDisplayName"], "Description": c.in["newImageDescription"],
			"AppstreamAgentVersion": agentNow, "BaseImageArn": old.Body["BaseImageArn"],
		}),
	}
	a.add(c, r)
	a.pass(c, r, "CREATING", "AVAILABLE")
	// The image is there when the service's builder has qualified it, and not before.
	qualified := c.now.Add(a.lasts(kindBuilder, "UPDATING") + a.lasts(kindBuilder, "PENDING_QUALIFICATION"))
	if r.Ahead[0].At.Before(qualified) {
		r.Ahead[0].At = qualified
	}
	a.doom(c, r, "ImageErrors", "IMAGE_UPDATE_FAILURE")
	a.updater(c, r)
	return object{"image": a.showImage(c, r), "canUpdateImage": true}, nil
}

func (a *appStream) roomForUpdate(c *call) error {
	updating := 0
	for _, r := range a.all(c.region, c.account, kindImage) {
		if r.state() == "CREATING" {
			updating++
		}
	}
	if err := a.within(updating, "concurrent-image-update", updateQuota); err != nil {
		return err
	}
	return a.within(len(a.all(c.region, c.account, kindBuilder)), kindBuilder, builderQuota)
}

// updater is the service's builder behind a managed update. It ends as the image's creation does.
func (a *appStream) updater(c *call, img *streamResource) {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return '0' + r%10
	}, strings.ReplaceAll(uuid.NewString(), "-", ""))[:10]
	own := *c
	own.in = object{}
	b := &streamResource{Kind: kindBuilder, Name: img.Name + "_" + digits, Body: object{
		"InstanceType": "stream.standard.medium", "Platform": img.Body["Platform"], "ImageArn": img.arn(), "AppstreamAgentVersion": agentNow,
	}}
	a.add(&own, b)
	a.pass(c, b, "UPDATING", "PENDING_QUALIFICATION", "DELETING:"+thenGone)
}

// A described task of an export is in the service's own words.
func (a *appStream) exportImage(c *call) (object, error) {
	name := text(c.in, "ImageName")
	img := a.get(c, kindImage, name)
	switch {
	case img == nil:
		return nil, missing(c, kindImage, name)
	case img.state() != "AVAILABLE":
		return nil, unavailable(name, img.state())
	case !slices.Contains([]string{"WINDOWS_SERVER_2022", "WINDOWS_SERVER_2025"}, text(img.Body, "Platform")):
		return nil, fail("OperationNotPermittedException", "Images of the platform %s cannot be exported.", text(img.Body, "Platform"))
	}
	if err := ownRole(c, text(c.in, "IamRoleArn")); err != nil {
		return nil, err
	}
	for _, m := range a.db.amis.rows {
		if m.Region == c.region && m.Owner == c.account && m.Name == text(c.in, "AmiName") {
			return nil, fail("OperationNotPermittedException", "There is an AMI named %s.", m.Name)
		}
	}
	r := &streamResource{Kind: kindExport, Name: uuid.NewString(), Layers: img.Layers, VolumeGB: img.VolumeGB, Tags: tagsOf(c.in["TagSpecifications"])}
	r.Body = with(nil, object{
		"TaskId": r.Name, "ImageArn": img.arn(), "AmiName": c.in["AmiName"], "AmiDescription": c.in["AmiDescription"],
		"TagSpecifications": c.in["TagSpecifications"], "CreatedDate": streamTime(c.now), "platform": img.Body["Platform"],
	})
	a.add(c, r)
	a.pass(c, r, "EXPORTING", "COMPLETED:"+thenExported)
	a.doom(c, r, "ErrorDetails", "")
	return object{"ExportImageTask": r.Body}, nil
}

// exported puts the AMI into the account.
func (a *appStream) exported(r *streamResource, now time.Time) {
	year := strings.TrimPrefix(text(r.Body, "platform"), "WINDOWS_SERVER_")
	m := &ami{
		ID: "ami-" + strings.ReplaceAll(r.Name, "-", "")[:17], Region: r.Region, Owner: r.Account, Name: text(r.Body, "AmiName"),
		Description: text(r.Body, "AmiDescription"), Platform: "Windows", OS: "Microsoft Windows Server " + year, Architecture: "x86_64",
		Created: now, Tags: r.Tags, Layers: r.Layers,
		hardware: hardware{"uefi", "v2.0", []volume{{Device: "/dev/sda1", Type: "gp2", GB: r.VolumeGB}}},
	}
	a.db.amis.put(m.Region+"/"+m.ID, m)
	r.set(object{"AmiId": m.ID})
	a.save(r)
}

func (a *appStream) exportTask(c *call) (object, error) {
	id := text(c.in, "TaskId")
	r := a.get(c, kindExport, id)
	if r == nil {
		return nil, fail("ResourceNotFoundException", "The export image task %s does not exist.", id)
	}
	return object{"ExportImageTask": r.Body}, nil
}

// listExports takes the filters whose names are members of the tasks, in any case.
func (a *appStream) listExports(c *call) (object, error) {
	var entries []any
	for _, r := range a.all(c.region, c.account, kindExport) {
		keep := true
		for _, f := range list(c.in, "Filters") {
			have, known := "", false
			for _, member := range []string{"TaskId", "ImageArn", "AmiName", "State", "AmiId"} {
				if strings.EqualFold(member, text(f, "Name")) {
					have, known = text(r.Body, member), true
				}
			}
			if !known {
				return nil, fail("OperationNotPermittedException", "There is no filter %s.", text(f, "Name"))
			}
			keep = keep && slices.Contains(texts(f, "Values"), have)
		}
		if keep {
			entries = append(entries, r.Body)
		}
	}
	return a.page(c, "ExportImageTasks", 50, entries)
}
