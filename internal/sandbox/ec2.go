package sandbox

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// The members of DescribeImages' and DescribeRegions' answers.
type (
	ec2Image struct {
		ImageID            string    `xml:"imageId"`
		Location           string    `xml:"imageLocation"`
		State              string    `xml:"imageState"`
		OwnerID            string    `xml:"imageOwnerId"`
		OwnerAlias         string    `xml:"imageOwnerAlias,omitempty"`
		CreationDate       string    `xml:"creationDate"`
		Public             bool      `xml:"isPublic"`
		Architecture       string    `xml:"architecture"`
		Type               string    `xml:"imageType"`
		Platform           string    `xml:"platform,omitempty"`
		PlatformDetails    string    `xml:"platformDetails"`
		Name               string    `xml:"name"`
		Description        string    `xml:"description,omitempty"`
		RootDeviceType     string    `xml:"rootDeviceType"`
		RootDeviceName     string    `xml:"rootDeviceName"`
		VirtualizationType string    `xml:"virtualizationType"`
		Hypervisor         string    `xml:"hypervisor"`
		EnaSupport         bool      `xml:"enaSupport"`
		BootMode           string    `xml:"bootMode,omitempty"`
		TPMSupport         string    `xml:"tpmSupport,omitempty"`
		Deprecation        string    `xml:"deprecationTime,omitempty"`
		Disks              []ec2Disk `xml:"blockDeviceMapping>item"`
		Tags               []ec2Tag  `xml:"tagSet>item"`
	}
	ec2Disk struct {
		Device    string `xml:"deviceName"`
		Size      int64  `xml:"ebs>volumeSize"`
		Type      string `xml:"ebs>volumeType"`
		Encrypted bool   `xml:"ebs>encrypted"`
		Snapshot  string `xml:"ebs>snapshotId,omitempty"`
	}
	ec2Tag struct {
		Key   string `xml:"key"`
		Value string `xml:"value"`
	}
	ec2Images struct {
		XMLName   xml.Name   `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeImagesResponse"`
		RequestID string     `xml:"requestId"`
		Images    []ec2Image `xml:"imagesSet>item"`
		NextToken string     `xml:"nextToken,omitempty"`
	}
	ec2Region struct {
		Name   string `xml:"regionName"`
		Host   string `xml:"regionEndpoint"`
		Status string `xml:"optInStatus"`
	}
	ec2Regions struct {
		XMLName   xml.Name    `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeRegionsResponse"`
		RequestID string      `xml:"requestId"`
		Regions   []ec2Region `xml:"regionInfo>item"`
	}
)

var amiID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^ami-([0-9a-f]{8}|[0-9a-f]{17})$`) })

func (s *Server) serveEC2(w http.ResponseWriter, r *http.Request, c *call, authErr error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		writeEC2Error(w, c, fail("MalformedQueryString", "The query cannot be read."))
		return
	}
	c.name = r.Form.Get("Action")
	if err := cmp.Or(authErr, s.fault("ec2:"+c.name)); err != nil {
		writeEC2Error(w, c, err)
		return
	}
	if r.Form.Get("DryRun") == "true" && (c.name == "DescribeImages" || c.name == "DescribeRegions") {
		writeEC2Error(w, c, &failure{Code: "DryRunOperation", Message: "Request would have succeeded, but DryRun flag is set.", Status: http.StatusPreconditionFailed})
		return
	}
	switch c.name {
	case "DescribeImages":
		s.describeImages(w, c, r.Form)
	case "DescribeRegions":
		s.describeRegions(w, c, r.Form)
	default:
		if act := s.ec2Changes()[c.name]; act != nil {
			s.changeEC2(w, c, r.Form, act)
			return
		}
		writeEC2Error(w, c, unknownEC2(c.name))
	}
}

func unknownEC2(action string) error {
	if model, err := awsmodel.Get("ec2"); err == nil {
		if _, ok := model.Operation(action); ok {
			return fail("UnsupportedOperation", "The sandbox does not do this: %s. It has no machines, only images.", action)
		}
	}
	return fail("InvalidAction", "The action %s is not valid for this web service, or the sandbox does not do it.", action)
}

// numbered are the values of a list in EC2's query protocol: ImageId.1, ImageId.2 …
func numbered(form url.Values, name string) []string {
	var out []string
	for i := 1; form.Has(name + "." + strconv.Itoa(i)); i++ {
		out = append(out, form.Get(name+"."+strconv.Itoa(i)))
	}
	return out
}

func (s *Server) describeImages(w http.ResponseWriter, c *call, form url.Values) {
	s.db.Lock()
	defer s.db.Unlock()
	s.ib.seedRegion(c.region)
	found, err := s.findImages(c, form)
	if err != nil {
		writeEC2Error(w, c, err)
		return
	}
	from, _ := strconv.Atoi(form.Get("NextToken")) // "" is the beginning
	size, err := strconv.Atoi(cmp.Or(form.Get("MaxResults"), "1000"))
	if err != nil || size < 1 || from < 0 {
		writeEC2Error(w, c, fail("InvalidParameterValue", "Value (%s) for parameter maxResults is invalid.", form.Get("MaxResults")))
		return
	}
	from = min(from, len(found))
	to := min(from+size, len(found))
	out := ec2Images{RequestID: c.id, Images: found[from:to]}
	if to < len(found) {
		out.NextToken = strconv.Itoa(to)
	}
	writeXML(w, http.StatusOK, out)
}

// findImages returns the images that a call asks for and its account may see, by their ids.
func (s *Server) findImages(c *call, form url.Values) ([]ec2Image, error) {
	ids := numbered(form, "ImageId")
	for _, id := range ids {
		if !amiID().MatchString(id) {
			return nil, fail("InvalidAMIID.Malformed", "Invalid id: %q (expecting \"ami-...\")", id)
		}
		if a := s.db.amis.get(c.region + "/" + id); a == nil || !a.visible(c.account) {
			return nil, fail("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id)
		}
	}
	match, err := ec2Filter(form)
	if err != nil {
		return nil, err
	}
	owners := append(numbered(form, "Owner"), numbered(form, "OwnerId")...)
	for i, o := range owners {
		if o == "self" {
			owners[i] = c.account
		}
	}
	var out []ec2Image
	for _, key := range sortedKeys(s.db.amis.rows) {
		a := s.db.amis.get(key)
		if a.Region != c.region || !a.visible(c.account) || !a.asked(c, form, ids) {
			continue
		}
		if len(owners) > 0 && !slices.Contains(owners, a.Owner) && (a.Alias == "" || !slices.Contains(owners, a.Alias)) {
			continue
		}
		if match(a) {
			out = append(out, a.show())
		}
	}
	return out, nil
}

// asked is whether a call is about an image: by its id, or by those who may launch it.
func (a *ami) asked(c *call, form url.Values, ids []string) bool {
	if len(ids) > 0 && !slices.Contains(ids, a.ID) || len(ids) == 0 && !a.listed(c, form) {
		return false
	}
	return a.executable(c, numbered(form, "ExecutableBy"))
}

// executable is whether an image may be launched by those that ExecutableUsers names; none is no question.
func (a *ami) executable(c *call, by []string) bool {
	return len(by) == 0 || slices.ContainsFunc(by, func(who string) bool {
		switch who {
		case "all":
			return a.Public
		case "self":
			return a.Owner != c.account && slices.Contains(a.SharedWith, c.account)
		}
		return slices.Contains(a.SharedWith, who)
	})
}

// visible is whether an account may see an image: its own, a public one, or one it was given.
func (a *ami) visible(account string) bool {
	return a.Public || a.Owner == account || slices.Contains(a.SharedWith, account)
}

func (a *ami) show() ec2Image {
	img := ec2Image{
		ImageID: a.ID, Location: cmp.Or(a.Alias, a.Owner) + "/" + a.Name, State: "available", OwnerID: a.Owner, OwnerAlias: a.Alias,
		CreationDate: isoTime(a.Created), Public: a.Public, Architecture: a.Architecture, Type: "machine",
		PlatformDetails: "Linux/UNIX", Name: a.Name, Description: a.Description, RootDeviceType: "ebs",
		RootDeviceName: a.root().Device, VirtualizationType: "hvm", Hypervisor: "xen", EnaSupport: true,
		BootMode: a.BootMode, TPMSupport: a.TPM,
	}
	if a.Deprecated != nil {
		img.Deprecation = isoTime(*a.Deprecated)
	}
	if a.Disabled {
		img.State = "disabled"
	}
	if a.Platform == "Windows" {
		img.Platform, img.PlatformDetails = "windows", "Windows"
	}
	for _, v := range a.volumes() {
		d := ec2Disk{Device: v.Device, Size: v.GB, Type: v.Type, Encrypted: v.Encrypted}
		if d.Device == img.RootDeviceName {
			d.Snapshot = a.Snapshot
		}
		img.Disks = append(img.Disks, d)
	}
	for _, k := range sortedKeys(a.Tags) {
		img.Tags = append(img.Tags, ec2Tag{k, a.Tags[k]})
	}
	return img
}

// ec2Filter returns the conjunction of the call's filters; each has alternatives with * and ?.
func ec2Filter(form url.Values) (func(*ami) bool, error) {
	type condition struct {
		name   string
		values []string
	}
	var all []condition
	for i := 1; form.Has("Filter." + strconv.Itoa(i) + ".Name"); i++ {
		prefix := "Filter." + strconv.Itoa(i)
		f := condition{form.Get(prefix + ".Name"), numbered(form, prefix+".Value")}
		if _, ok := filterable(&ami{}, f.name); !ok {
			return nil, fail("InvalidParameterValue", "The filter '%s' is invalid", f.name)
		}
		all = append(all, f)
	}
	return func(a *ami) bool {
		for _, f := range all {
			have, _ := filterable(a, f.name)
			if !slices.ContainsFunc(have, func(h string) bool {
				return slices.ContainsFunc(f.values, func(v string) bool { return wildcard(v, h) })
			}) {
				return false
			}
		}
		return true
	}, nil
}

// filterable are an image's values of a filter; false for a filter that the sandbox does not know.
func filterable(a *ami, name string) ([]string, bool) {
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		if v, has := a.Tags[key]; has {
			return []string{v}, true
		}
		return nil, true
	}
	img := a.show()
	one := map[string]string{
		"architecture": img.Architecture, "creation-date": img.CreationDate, "description": img.Description,
		"ena-support": strconv.FormatBool(img.EnaSupport), "hypervisor": img.Hypervisor, "image-id": img.ImageID, "image-type": img.Type,
		"is-public": strconv.FormatBool(img.Public), "name": img.Name, "owner-alias": img.OwnerAlias, "owner-id": img.OwnerID,
		"platform": img.Platform, "platform-details": img.PlatformDetails, "root-device-name": img.RootDeviceName,
		"root-device-type": img.RootDeviceType, "state": img.State, "virtualization-type": img.VirtualizationType,
	}
	if name == "tag-key" {
		return sortedKeys(a.Tags), true
	}
	v, ok := one[name]
	return []string{v}, ok
}

// wildcard matches as EC2's filters do: * is any text, ? any character, \ takes the next literally.
func wildcard(pattern, s string) bool {
	// path.Match is the same but for its classes and for the slash, which is no border here.
	esc := strings.NewReplacer("/", "\x00", "[", `\[`)
	ok, err := path.Match(esc.Replace(pattern), strings.ReplaceAll(s, "/", "\x00"))
	return ok && err == nil
}

// describeRegions lists the regions that every account has; the sandbox answers for any other, too.
func (s *Server) describeRegions(w http.ResponseWriter, c *call, form url.Values) {
	out := ec2Regions{RequestID: c.id}
	want := numbered(form, "RegionName")
	if form.Has("Filter.1.Name") {
		writeEC2Error(w, c, fail("UnsupportedOperation", "The sandbox does not do this: filters of DescribeRegions."))
		return
	}
	for _, name := range []string{
		"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
		"eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
	} {
		if len(want) == 0 || slices.Contains(want, name) {
			out.Regions = append(out.Regions, ec2Region{name, "ec2." + name + ".amazonaws.com", "opt-in-not-required"})
		}
	}
	if len(out.Regions) < len(want) {
		writeEC2Error(w, c, fail("InvalidParameterValue", "Invalid region provided: %s", strings.Join(want, ", ")))
		return
	}
	writeXML(w, http.StatusOK, out)
}
