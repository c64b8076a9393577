package sandbox

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"net/url"
	"slices"
	"strings"
)

type (
	s3Entry struct {
		Key, LastModified, ETag string
		ChecksumAlgorithm       string `xml:",omitempty"`
		ChecksumType            string `xml:",omitempty"`
		Size                    int64
		StorageClass            string
		Owner                   *s3Owner
	}
	s3Prefix struct{ Prefix string }
	s3List   struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		Name, Prefix          string
		Marker                *string `xml:",omitempty"`
		StartAfter            string  `xml:",omitempty"`
		ContinuationToken     string  `xml:",omitempty"`
		NextContinuationToken string  `xml:",omitempty"`
		NextMarker            string  `xml:",omitempty"`
		KeyCount              *int    `xml:",omitempty"`
		MaxKeys               int
		Delimiter             string `xml:",omitempty"`
		EncodingType          string `xml:",omitempty"`
		IsTruncated           bool
		Contents              []s3Entry
		CommonPrefixes        []s3Prefix
	}
)

func (o *s3Object) storageClass() string {
	return cmp.Or(o.Headers["X-Amz-Storage-Class"], "STANDARD")
}

func (o *s3Object) checksummed() (algorithm, typ string) {
	if o.Checksum == "" {
		return "", ""
	}
	return o.Algorithm, o.checksumType()
}

// An s3Page is a part of a bucket's keys: those below prefix and behind after, with what a delimiter cuts off counted once.
type s3Page struct {
	keys, prefixes []string
	more           bool
	last           string // the key or prefix that the next page begins behind
}

// pageOf cuts a page out of sorted keys.
func pageOf(keys []string, prefix, delimiter, after string, most int) s3Page {
	var p s3Page
	at, _ := slices.BinarySearch(keys, max(prefix, after))
	for ; at < len(keys); at++ {
		key := keys[at]
		if !strings.HasPrefix(key, prefix) {
			break
		}
		if key <= after {
			continue
		}
		common := ""
		if delimiter != "" {
			if head, _, ok := strings.Cut(key[len(prefix):], delimiter); ok {
				common = prefix + head + delimiter
			}
		}
		if common != "" && (common == after || len(p.prefixes) > 0 && common == p.prefixes[len(p.prefixes)-1]) {
			continue
		}
		if len(p.keys)+len(p.prefixes) == most {
			p.more = most > 0
			break
		}
		p.last = cmp.Or(common, key)
		if common != "" {
			p.prefixes = append(p.prefixes, common)
		} else {
			p.keys = append(p.keys, key)
		}
	}
	return p
}

// encoding is how keys are written into an answer; XML cannot hold all that a key can.
func (c *s3Call) encoding() (func(string) string, error) {
	switch c.query.Get("encoding-type") {
	case "":
		return func(s string) string { return s }, nil
	case "url":
		return func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }, nil
	}
	return nil, s3Invalid("Invalid Encoding Method specified in Request")
}

// listed fills in what both versions of ListObjects have in common.
func (c *s3Call) listed(after string, owners bool) (s3List, s3Page, func(string) string, error) {
	var page s3Page
	most, err := c.count("max-keys", 1000)
	if err != nil {
		return s3List{}, page, nil, err
	}
	encode, err := c.encoding()
	if err != nil {
		return s3List{}, page, nil, err
	}
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, err := c.objects.bucket(c.bucket)
	if err != nil {
		return s3List{}, page, nil, err
	}
	prefix, delimiter := c.query.Get("prefix"), c.query.Get("delimiter")
	page = pageOf(b.keys, prefix, delimiter, after, most)
	out := s3List{
		Name: c.bucket, Prefix: encode(prefix), MaxKeys: most, Delimiter: encode(delimiter), EncodingType: c.query.Get("encoding-type"), IsTruncated: page.more,
	}
	for _, key := range page.keys {
		obj := b.objects[key]
		e := s3Entry{Key: encode(key), LastModified: isoTime(obj.Modified), ETag: obj.ETag, Size: obj.Size, StorageClass: obj.storageClass()}
		e.ChecksumAlgorithm, e.ChecksumType = obj.checksummed()
		if owners {
			e.Owner = &s3Owner{canonicalID(b.Owner)}
		}
		out.Contents = append(out.Contents, e)
	}
	for _, p := range page.prefixes {
		out.CommonPrefixes = append(out.CommonPrefixes, s3Prefix{encode(p)})
	}
	return out, page, encode, nil
}

func (c *s3Call) listObjects() error {
	marker := c.query.Get("marker")
	out, page, encode, err := c.listed(marker, true)
	if err != nil {
		return err
	}
	marker = encode(marker)
	out.Marker = &marker
	if page.more && out.Delimiter != "" { // without one, the last key is the marker
		out.NextMarker = encode(page.last)
	}
	return c.document(out)
}

func (c *s3Call) listObjectsV2() error {
	if c.query.Get("list-type") != "2" {
		return s3Invalid("Invalid List Type specified in Request")
	}
	after := c.query.Get("start-after")
	if c.query.Has("continuation-token") {
		raw, err := base64.RawURLEncoding.DecodeString(c.query.Get("continuation-token"))
		if err != nil || len(raw) == 0 {
			return s3Invalid("The continuation token provided is incorrect")
		}
		after = string(raw)
	}
	out, page, encode, err := c.listed(after, c.query.Get("fetch-owner") == "true")
	if err != nil {
		return err
	}
	out.StartAfter, out.ContinuationToken = encode(c.query.Get("start-after")), c.query.Get("continuation-token")
	n := len(page.keys) + len(page.prefixes)
	out.KeyCount = &n
	if page.more {
		out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(page.last))
	}
	return c.document(out)
}

// listVersions lists objects as buckets without versions have them: one version each, "null".
func (c *s3Call) listVersions() error {
	type version struct {
		s3Entry
		VersionId string
		IsLatest  bool
	}
	after := c.query.Get("key-marker")
	out, page, encode, err := c.listed(after, true)
	if err != nil {
		return err
	}
	answer := struct {
		XMLName                                  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
		Name, Prefix, KeyMarker, VersionIdMarker string
		NextKeyMarker, NextVersionIdMarker       string `xml:",omitempty"`
		MaxKeys                                  int
		Delimiter, EncodingType                  string `xml:",omitempty"`
		IsTruncated                              bool
		Version                                  []version
		CommonPrefixes                           []s3Prefix
	}{
		Name: out.Name, Prefix: out.Prefix, KeyMarker: encode(after), VersionIdMarker: c.query.Get("version-id-marker"), MaxKeys: out.MaxKeys,
		Delimiter: out.Delimiter, EncodingType: out.EncodingType, IsTruncated: out.IsTruncated, CommonPrefixes: out.CommonPrefixes,
	}
	if page.more {
		answer.NextKeyMarker, answer.NextVersionIdMarker = encode(page.last), "null"
	}
	for _, e := range out.Contents {
		answer.Version = append(answer.Version, version{e, "null", true})
	}
	return c.document(answer)
}
