package sandbox

import (
	"encoding/xml"
	"net/http"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// An s3Tagging is a set of tags as requests and answers have it.
type s3Tagging struct {
	XMLName xml.Name `xml:"Tagging"`
	TagSet  struct{ Tag []s3Tag }
}

// checkTags holds tags to S3's rules; an object has at most 10, a bucket 50.
func checkTags(tags []s3Tag, most int) error {
	seen := map[string]bool{}
	if len(tags) > most {
		return s3Fail(http.StatusBadRequest, "BadRequest", "Object tags cannot be greater than %d", most)
	}
	for _, t := range tags {
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > 128:
			return s3Fail(http.StatusBadRequest, "InvalidTag", "The TagKey you have provided is invalid")
		case utf8.RuneCountInString(t.Value) > 256:
			return s3Fail(http.StatusBadRequest, "InvalidTag", "The TagValue you have provided is invalid")
		case strings.HasPrefix(t.Key, "aws:"):
			return s3Fail(http.StatusBadRequest, "InvalidTag", "System tags cannot be added/updated by requester")
		case seen[t.Key]:
			return s3Fail(http.StatusBadRequest, "InvalidTag", "Cannot provide multiple Tags with the same key")
		}
		seen[t.Key] = true
	}
	return nil
}

// object finds the object of a call. The caller holds the lock.
func (c *s3Call) object() (*s3Bucket, *s3Object, error) {
	b, err := c.objects.bucket(c.bucket)
	if err == nil {
		err = c.unversioned()
	}
	if err != nil {
		return nil, nil, err
	}
	if obj := b.objects[c.key]; obj != nil {
		return b, obj, nil
	}
	return nil, nil, noKey()
}

func (c *s3Call) getObjectTags() error {
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	_, obj, err := c.object()
	if err != nil {
		return err
	}
	var out s3Tagging
	out.TagSet.Tag = obj.Tags
	return c.document(out)
}

func (c *s3Call) putObjectTags() error {
	var in s3Tagging
	if err := c.readXML(&in); err != nil {
		return err
	}
	if err := checkTags(in.TagSet.Tag, 10); err != nil {
		return err
	}
	if err := c.retag(in.TagSet.Tag); err != nil {
		return err
	}
	return c.done(http.StatusOK)
}

func (c *s3Call) deleteObjectTags() error {
	if err := c.retag(nil); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

// retag writes an object anew with other tags. Its time of change stays.
func (c *s3Call) retag(tags []s3Tag) error {
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, obj, err := c.object()
	if err != nil {
		return err
	}
	f, err := os.Open(obj.path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	if _, err = f.Seek(obj.start, 0); err != nil {
		return err
	}
	next := *obj
	next.Tags = slices.Clone(tags)
	return c.objects.rewrite(b, &next, f)
}

// The access of the owner, which is all that buckets of today's defaults have.
type (
	s3Owner struct{ ID string }
	s3Grant struct {
		Grantee struct {
			Space string `xml:"xmlns:xsi,attr"`
			Type  string `xml:"xsi:type,attr"`
			ID    string
		}
		Permission string
	}
	s3ACL struct {
		XMLName           xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ AccessControlPolicy"`
		Owner             s3Owner
		AccessControlList struct{ Grant []s3Grant }
	}
)

// canonicalID is an account's id in S3.
func canonicalID(account string) string { return hashed("canonical " + account) }

// getACL shows that the owner may do all, for buckets and objects.
func (c *s3Call) getACL() error {
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, err := c.objects.bucket(c.bucket)
	if err == nil && c.key != "" {
		_, _, err = c.object()
	}
	if err != nil {
		return err
	}
	out := s3ACL{Owner: s3Owner{canonicalID(b.Owner)}}
	var g s3Grant
	g.Grantee.Space, g.Grantee.Type, g.Grantee.ID = "http://www.w3.org/2001/XMLSchema-instance", "CanonicalUser", canonicalID(b.Owner)
	g.Permission = "FULL_CONTROL"
	out.AccessControlList.Grant = []s3Grant{g}
	return c.document(out)
}

// putACL takes what changes nothing: buckets have no ACLs unless their owner turns them on, which is not done here.
func (c *s3Call) putACL() error {
	c.objects.mu.Lock()
	_, err := c.objects.bucket(c.bucket)
	if err == nil && c.key != "" {
		_, _, err = c.object()
	}
	c.objects.mu.Unlock()
	if err != nil {
		return err
	}
	if c.r.Header.Get("X-Amz-Acl") == "" {
		return noACLs()
	}
	if err = c.cannedACL(); err != nil {
		return err
	}
	return c.done(http.StatusOK)
}

func noACLs() error {
	return s3Fail(http.StatusBadRequest, "AccessControlListNotSupported", "The bucket does not allow ACLs")
}

// cannedACL refuses ACLs that would give somebody else access.
func (c *s3Call) cannedACL() error {
	for name := range c.r.Header {
		if strings.HasPrefix(name, "X-Amz-Grant-") {
			return noACLs()
		}
	}
	if !slices.Contains([]string{"", "private", "bucket-owner-full-control"}, c.r.Header.Get("X-Amz-Acl")) {
		return noACLs()
	}
	return nil
}

// objectAttributes answers GetObjectAttributes.
func (c *s3Call) objectAttributes() error {
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	_, obj, err := c.object()
	if err != nil {
		return err
	}
	type parts struct{ TotalPartsCount int }
	out := struct {
		XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ GetObjectAttributesResponse"`
		ETag         string   `xml:",omitempty"`
		Checksum     *s3Sums  `xml:",omitempty"`
		ObjectParts  *parts   `xml:",omitempty"`
		StorageClass string   `xml:",omitempty"`
		ObjectSize   *int64   `xml:",omitempty"`
	}{}
	asked := strings.Split(strings.Join(c.r.Header.Values("X-Amz-Object-Attributes"), ","), ",")
	if asked[0] == "" {
		return s3Invalid("The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty")
	}
	for _, a := range asked {
		switch strings.TrimSpace(a) {
		case "ETag":
			out.ETag = strings.Trim(obj.ETag, `"`)
		case "ObjectSize":
			out.ObjectSize = &obj.Size
		case "StorageClass":
			out.StorageClass = obj.storageClass()
		case "ObjectParts":
			if n := len(obj.Parts); n > 0 {
				out.ObjectParts = &parts{n}
			}
		case "Checksum":
			out.Checksum = obj.sums()
		default:
			return s3Invalid("Invalid attribute name specified.")
		}
	}
	c.w.Header().Set("Last-Modified", obj.Modified.UTC().Format(http.TimeFormat))
	return c.document(out)
}
