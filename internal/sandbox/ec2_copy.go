package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

type ec2Copied struct {
	XMLName   xml.Name `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ CopyImageResponse"`
	RequestID string   `xml:"requestId"`
	ImageID   string   `xml:"imageId"`
}

// dryRun answers a call that would have succeeded and is only to be tried.
func dryRun(form url.Values) error {
	if form.Get("DryRun") != "true" {
		return nil
	}
	return &failure{Code: "DryRunOperation", Message: "Request would have succeeded, but DryRun flag is set.", Status: http.StatusPreconditionFailed}
}

// copyImage copies an image that the caller may see into the region of the call. Permissions stay behind, and tags
// unless the call says otherwise.
func (s *Server) copyImage(c *call, form url.Values) (any, error) {
	source, err := s.copied(c, form)
	if err != nil {
		return nil, err
	}
	token := form.Get("ClientToken")
	if token == "" {
		token = c.id
	}
	sum := sha256.Sum256([]byte(c.region + c.account + token))
	id := "ami-" + hex.EncodeToString(sum[:])[:17]
	if s.db.amis.get(c.region+"/"+id) != nil {
		return ec2Copied{RequestID: c.id, ImageID: id}, nil
	}
	name := form.Get("Name")
	for _, a := range s.db.amis.rows {
		if a.Region == c.region && a.Owner == c.account && a.Name == name {
			return nil, fail("InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", name, a.ID)
		}
	}
	if err := dryRun(form); err != nil {
		return nil, err
	}
	a := &ami{
		ID: id, Region: c.region, Owner: c.account, Name: name, Description: form.Get("Description"), Platform: source.Platform, OS: source.OS,
		Architecture: source.Architecture, Created: c.now, Tags: map[string]string{}, Layers: source.Layers, hardware: source.hardware,
	}
	if form.Get("CopyImageTags") == "true" && source.Owner == c.account {
		maps.Copy(a.Tags, source.Tags)
	}
	for i := 1; form.Has("TagSpecification." + itoa(i) + ".ResourceType"); i++ {
		at := "TagSpecification." + itoa(i)
		for n := 1; form.Get(at+".ResourceType") == "image" && form.Has(at+".Tag."+itoa(n)+".Key"); n++ {
			a.Tags[form.Get(at+".Tag."+itoa(n)+".Key")] = form.Get(at + ".Tag." + itoa(n) + ".Value")
		}
	}
	if form.Get("Encrypted") == "true" || form.Get("KmsKeyId") != "" {
		a.encrypt()
	}
	s.db.addAMI(a)
	return ec2Copied{RequestID: c.id, ImageID: id}, nil
}

// copied finds the image that a copy is of.
func (s *Server) copied(c *call, form url.Values) (*ami, error) {
	for _, member := range []string{"SourceRegion", "SourceImageId", "Name"} {
		if form.Get(member) == "" {
			return nil, fail("MissingParameter", "The request must contain the parameter %s", member)
		}
	}
	from, id := form.Get("SourceRegion"), form.Get("SourceImageId")
	switch {
	case !regionName().MatchString(from):
		return nil, fail("InvalidParameterValue", "Invalid source region: %s", from)
	case awsmodel.PartitionOf(from) != awsmodel.PartitionOf(c.region):
		return nil, fail("InvalidParameterValue", "Invalid source region: %s. It is in another partition than %s, and images can be copied within a partition only.", from, c.region)
	case !amiID().MatchString(id):
		return nil, fail("InvalidAMIID.Malformed", "Invalid id: %q (expecting \"ami-...\")", id)
	case len(form.Get("Name")) < 3 || len(form.Get("Name")) > 128:
		return nil, fail("InvalidAMIName.Malformed", "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'")
	}
	s.ib.seedRegion(from)
	a := s.db.amis.get(from + "/" + id)
	if a == nil || !a.visible(c.account) {
		return nil, fail("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", id)
	}
	return a, nil
}
