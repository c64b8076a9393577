package sandbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A snapshot is the disk of an AMI. It outlives the AMI unless it is deleted with it.
type snapshot struct {
	ID, Region, Owner string
	AMI               string // the one it belongs to; "" after that was deregistered
	Created           time.Time
	Tags              map[string]string
	Public            bool     `json:",omitempty"` // everybody may make volumes of it
	SharedWith        []string `json:",omitempty"` // accounts that may, too
}

// A launchTemplate says what instances are launched from. Its versions are the AMIs they name.
type launchTemplate struct {
	ID, Region, Name string
	Default          int
	Versions         []string // of version 1 and on
	Created          time.Time
}

// addAMI stores a new AMI and its snapshot.
func (db *database) addAMI(a *ami) {
	a.Snapshot = "snap-" + strings.TrimPrefix(a.ID, "ami-")
	db.amis.put(a.Region+"/"+a.ID, a)
	db.snapshots.put(a.Region+"/"+a.Snapshot, &snapshot{
		ID: a.Snapshot, Region: a.Region, Owner: a.Owner, AMI: a.ID, Created: a.Created, Tags: maps.Clone(a.Tags),
	})
}

// The answers of the calls below, in the order of the API Reference.
type (
	ec2Done struct {
		XMLName   xml.Name
		RequestID string              `xml:"requestId"`
		Return    bool                `xml:"return"`
		Snapshots []ec2SnapshotResult `xml:"deleteSnapshotResultSet>item,omitempty"`
	}
	ec2SnapshotResult struct {
		ID   string `xml:"snapshotId"`
		Code string `xml:"returnCode"`
	}
	ec2Snapshot struct {
		ID      string   `xml:"snapshotId"`
		Status  string   `xml:"status"`
		OwnerID string   `xml:"ownerId"`
		Start   string   `xml:"startTime"`
		Tags    []ec2Tag `xml:"tagSet>item"`
	}
	ec2Snapshots struct {
		XMLName   xml.Name      `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeSnapshotsResponse"`
		RequestID string        `xml:"requestId"`
		Snapshots []ec2Snapshot `xml:"snapshotSet>item"`
	}
	ec2Template struct {
		ID      string `xml:"launchTemplateId"`
		Name    string `xml:"launchTemplateName"`
		Default int    `xml:"defaultVersionNumber"`
		Latest  int    `xml:"latestVersionNumber"`
	}
	ec2TemplateVersion struct {
		ID      string `xml:"launchTemplateId"`
		Name    string `xml:"launchTemplateName"`
		Number  int    `xml:"versionNumber"`
		Default bool   `xml:"defaultVersion"`
		ImageID string `xml:"launchTemplateData>imageId"`
	}
	ec2TemplateVersions struct {
		XMLName   xml.Name             `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeLaunchTemplateVersionsResponse"`
		RequestID string               `xml:"requestId"`
		Versions  []ec2TemplateVersion `xml:"launchTemplateVersionSet>item"`
	}
	ec2TemplateMade struct {
		XMLName   xml.Name    `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ CreateLaunchTemplateResponse"`
		RequestID string      `xml:"requestId"`
		Template  ec2Template `xml:"launchTemplate"`
	}
)

// ec2Changes are the calls of EC2 that concern AMIs once they are made, and what points to them.
func (s *Server) ec2Changes() map[string]func(*call, url.Values) (any, error) {
	calls := map[string]func(*call, url.Values) (any, error){
		"CopyImage":                      s.copyImage,
		"DeregisterImage":                s.deregisterImage,
		"DescribeSnapshots":              s.describeSnapshots,
		"DeleteSnapshot":                 s.deleteSnapshot,
		"CreateTags":                     s.createTags,
		"DeleteTags":                     s.deleteTags,
		"ModifyImageAttribute":           s.modifyImageAttribute,
		"DescribeImageAttribute":         s.describeImageAttribute,
		"ModifySnapshotAttribute":        s.modifySnapshotAttribute,
		"DescribeSnapshotAttribute":      s.describeSnapshotAttribute,
		"CreateLaunchTemplate":           s.createLaunchTemplate,
		"DescribeLaunchTemplateVersions": s.describeLaunchTemplateVersions,
	}
	maps.Copy(calls, s.imageStates())
	return calls
}

// changeEC2 answers one of them with the state locked and commits what it changed.
func (s *Server) changeEC2(w http.ResponseWriter, c *call, form url.Values, act func(*call, url.Values) (any, error)) {
	s.db.Lock()
	defer s.db.Unlock()
	s.ib.seedRegion(c.region)
	out, err := act(c, form)
	if err = cmp.Or(err, s.db.commit()); err != nil {
		writeEC2Error(w, c, err)
		return
	}
	writeXML(w, http.StatusOK, out)
}

func done(c *call, action string) ec2Done {
	return ec2Done{XMLName: xml.Name{Space: "http://ec2.amazonaws.com/doc/2016-11-15/", Local: action + "Response"}, RequestID: c.id, Return: true}
}

func (s *Server) deregisterImage(c *call, form url.Values) (any, error) {
	id := form.Get("ImageId")
	if !amiID().MatchString(id) {
		return nil, fail("InvalidAMIID.Malformed", "Invalid id: %q (expecting \"ami-...\")", id)
	}
	a := s.db.amis.get(c.region + "/" + id)
	if a == nil || !a.visible(c.account) {
		return nil, fail("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id)
	}
	if a.Owner != c.account {
		return nil, fail("AuthFailure", "Not authorized for image:%s", id)
	}
	s.db.amis.remove(c.region + "/" + id)
	out := done(c, "DeregisterImage")
	if snap := s.db.snapshots.get(c.region + "/" + a.Snapshot); snap != nil {
		snap.AMI = ""
		if form.Get("DeleteAssociatedSnapshots") == "true" {
			s.db.snapshots.remove(c.region + "/" + snap.ID)
			out.Snapshots = []ec2SnapshotResult{{snap.ID, "success"}}
		} else {
			s.db.snapshots.put(c.region+"/"+snap.ID, snap)
		}
	}
	return out, nil
}

func (s *Server) describeSnapshots(c *call, form url.Values) (any, error) {
	if form.Has("Filter.1.Name") {
		return nil, fail("UnsupportedOperation", "The sandbox does not do this: filters of DescribeSnapshots.")
	}
	ids := numbered(form, "SnapshotId")
	out := ec2Snapshots{RequestID: c.id}
	for _, id := range ids {
		if s.db.snapshots.get(c.region+"/"+id) == nil {
			return nil, fail("InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", id)
		}
	}
	for _, key := range sortedKeys(s.db.snapshots.rows) {
		snap := s.db.snapshots.get(key)
		if snap.Region != c.region || snap.Owner != c.account || len(ids) > 0 && !slices.Contains(ids, snap.ID) {
			continue
		}
		shown := ec2Snapshot{ID: snap.ID, Status: "completed", OwnerID: snap.Owner, Start: isoTime(snap.Created)}
		for _, k := range sortedKeys(snap.Tags) {
			shown.Tags = append(shown.Tags, ec2Tag{k, snap.Tags[k]})
		}
		out.Snapshots = append(out.Snapshots, shown)
	}
	return out, nil
}

func (s *Server) deleteSnapshot(c *call, form url.Values) (any, error) {
	id := form.Get("SnapshotId")
	snap := s.db.snapshots.get(c.region + "/" + id)
	switch {
	case snap == nil || snap.Owner != c.account:
		return nil, fail("InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", id)
	case snap.AMI != "":
		return nil, fail("InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s", id, snap.AMI)
	}
	s.db.snapshots.remove(c.region + "/" + id)
	return done(c, "DeleteSnapshot"), nil
}

// tagsOf are the tags of an AMI or a snapshot, and how to store them.
func (s *Server) tagsOf(c *call, id string) (map[string]string, func(map[string]string), error) {
	key := c.region + "/" + id
	if a := s.db.amis.get(key); a != nil && a.Owner == c.account {
		return a.Tags, func(t map[string]string) { a.Tags = t; s.db.amis.put(key, a) }, nil
	}
	if snap := s.db.snapshots.get(key); snap != nil && snap.Owner == c.account {
		return snap.Tags, func(t map[string]string) { snap.Tags = t; s.db.snapshots.put(key, snap) }, nil
	}
	return nil, nil, fail("InvalidID", "The ID '%s' is not valid", id)
}

// retagEC2 changes the tags of all resources of a call, or of none.
func (s *Server) retagEC2(c *call, form url.Values, change func(tags map[string]string)) error {
	var stores []func()
	for _, id := range numbered(form, "ResourceId") {
		old, store, err := s.tagsOf(c, id)
		if err != nil {
			return err
		}
		tags := maps.Clone(old)
		if tags == nil {
			tags = map[string]string{}
		}
		change(tags)
		if len(tags) > maxTags {
			return fail("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
		}
		stores = append(stores, func() { store(tags) })
	}
	for _, store := range stores {
		store()
	}
	return nil
}

// eachTag calls f for the tags of a call; given says whether a value came with the key.
func eachTag(form url.Values, f func(key, value string, given bool)) {
	for i := 1; form.Has("Tag." + itoa(i) + ".Key"); i++ {
		at := "Tag." + itoa(i)
		f(form.Get(at+".Key"), form.Get(at+".Value"), form.Has(at+".Value"))
	}
}

func (s *Server) createTags(c *call, form url.Values) (any, error) {
	return done(c, "CreateTags"), s.retagEC2(c, form, func(tags map[string]string) {
		eachTag(form, func(k, v string, _ bool) { tags[k] = v })
	})
}

func (s *Server) deleteTags(c *call, form url.Values) (any, error) {
	return done(c, "DeleteTags"), s.retagEC2(c, form, func(tags map[string]string) {
		eachTag(form, func(k, v string, given bool) {
			if !given || tags[k] == v { // with a value, only the tag that has it
				delete(tags, k)
			}
		})
	})
}

// createLaunchTemplate keeps a template's first version. Of its data only the AMI is kept.
func (s *Server) createLaunchTemplate(c *call, form url.Values) (any, error) {
	name := form.Get("LaunchTemplateName")
	if len(name) < 3 || len(name) > 128 {
		return nil, fail("InvalidLaunchTemplateName.MalformedException", "A launch template name has between 3 and 128 characters.")
	}
	key := c.region + "/" + name
	if s.db.templates.get(key) != nil {
		return nil, fail("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
	}
	sum := sha256.Sum256([]byte(key))
	t := &launchTemplate{
		ID: "lt-" + hex.EncodeToString(sum[:])[:17], Region: c.region, Name: name, Default: 1,
		Versions: []string{form.Get("LaunchTemplateData.ImageId")}, Created: c.now,
	}
	s.db.templates.put(key, t)
	return ec2TemplateMade{RequestID: c.id, Template: ec2Template{t.ID, t.Name, t.Default, len(t.Versions)}}, nil
}

// describeLaunchTemplateVersions answers for one template, or for the latest and default versions of all.
func (s *Server) describeLaunchTemplateVersions(c *call, form url.Values) (any, error) {
	var images []string
	for i := 1; form.Has("Filter." + itoa(i) + ".Name"); i++ {
		at := "Filter." + itoa(i)
		if form.Get(at+".Name") != "image-id" {
			return nil, fail("InvalidParameterValue", "The sandbox does not do this: the filter '%s' of launch templates.", form.Get(at+".Name"))
		}
		images = numbered(form, at+".Value")
	}
	wanted := numbered(form, "LaunchTemplateVersion")
	id, name := form.Get("LaunchTemplateId"), form.Get("LaunchTemplateName")
	out := ec2TemplateVersions{RequestID: c.id}
	for _, key := range sortedKeys(s.db.templates.rows) {
		t := s.db.templates.get(key)
		if t.Region != c.region || id != "" && t.ID != id || name != "" && t.Name != name {
			continue
		}
		for i, image := range t.Versions {
			n := i + 1
			asked := len(wanted) == 0 || slices.Contains(wanted, itoa(n)) ||
				n == t.Default && slices.Contains(wanted, "$Default") || n == len(t.Versions) && slices.Contains(wanted, "$Latest")
			if asked && (images == nil || slices.Contains(images, image)) {
				out.Versions = append(out.Versions, ec2TemplateVersion{t.ID, t.Name, n, n == t.Default, image})
			}
		}
	}
	if id+name != "" && len(out.Versions) == 0 && images == nil {
		return nil, fail("InvalidLaunchTemplateId.NotFound", "The specified launch template does not exist.")
	}
	return out, nil
}
