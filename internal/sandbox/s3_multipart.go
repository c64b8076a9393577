package sandbox

import (
	"crypto/md5" //nolint:gosec // G501: S3's ETags are MD5
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// An s3Upload is an upload in parts that is under way, kept in a file of its id.
type s3Upload struct {
	ID        string
	Begun     time.Time
	Object    *s3Object // what it will be
	Algorithm string    // of the checksums of its parts; "" for none
	Full      bool      // whether the whole object's checksum is that of its bytes, not of the parts' sums
	Parts     map[int]*s3Part
}

type s3Part struct {
	ETag, Algorithm, Checksum string
	Size                      int64
	Modified                  time.Time
	File                      string // within the bucket's directory
}

// S3's bounds of parts.
const (
	maxParts = 10_000
	minPart  = 5 << 20 // but for the last one
)

func (b *s3Bucket) loadUpload(path string) error {
	raw, err := os.ReadFile(path) //nolint:gosec // G304: below the server's own directory
	if err != nil {
		return err
	}
	u := &s3Upload{}
	if err := json.Unmarshal(raw, u); err != nil {
		return err
	}
	b.uploads[u.ID] = u
	return nil
}

func (b *s3Bucket) saveUpload(u *s3Upload) error {
	raw, err := json.Marshal(u)
	if err != nil {
		return err
	}
	next := filepath.Join(b.dir, u.ID+".new")
	if err = os.WriteFile(next, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(b.dir, u.ID+".upload"))
}

// endUpload forgets an upload and its parts.
func (b *s3Bucket) endUpload(u *s3Upload) error {
	delete(b.uploads, u.ID)
	err := os.Remove(filepath.Join(b.dir, u.ID+".upload"))
	for _, p := range u.Parts {
		err = errors.Join(err, os.Remove(filepath.Join(b.dir, p.File)))
	}
	return err
}

func (c *s3Call) createUpload() error {
	if err := c.lacking(); err != nil {
		return err
	}
	obj, err := c.described()
	if err != nil {
		return err
	}
	if _, err = c.home(); err != nil {
		return err
	}
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, err := c.objects.bucket(c.bucket)
	if err != nil {
		return err
	}
	u := &s3Upload{
		ID: strings.ReplaceAll(uuid.NewString()+uuid.NewString(), "-", ""), Begun: c.now, Object: obj, Parts: map[int]*s3Part{},
		Algorithm: strings.ToUpper(c.r.Header.Get("X-Amz-Checksum-Algorithm")), Full: c.r.Header.Get("X-Amz-Checksum-Type") == "FULL_OBJECT",
	}
	u.Full = u.Full || u.Algorithm == "CRC64NVME"
	b.uploads[u.ID] = u
	if err := b.saveUpload(u); err != nil {
		return err
	}
	return c.document(struct {
		XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
		Bucket, Key, UploadId string
	}{Bucket: c.bucket, Key: c.key, UploadId: u.ID})
}

// upload finds the upload of a call. The caller holds the lock.
func (c *s3Call) upload() (*s3Bucket, *s3Upload, error) {
	b, err := c.objects.bucket(c.bucket)
	if err != nil {
		return nil, nil, err
	}
	u := b.uploads[c.query.Get("uploadId")]
	if u == nil || u.Object.Key != c.key {
		return nil, nil, s3Fail(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	}
	return b, u, nil
}

func (c *s3Call) uploadPart() error {
	part, err := c.storePart(c.r.Body)
	if err != nil {
		return err
	}
	c.w.Header().Set("Etag", part.ETag)
	if part.Checksum != "" {
		c.w.Header().Set("X-Amz-Checksum-"+part.Algorithm, part.Checksum)
	}
	return c.done(http.StatusOK)
}

func (c *s3Call) copyPart() error {
	_, body, err := c.source()
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // opened for reading
	part, err := c.storePart(body)
	if err != nil {
		return err
	}
	return c.document(s3Copied{XMLName: xml.Name{Space: s3Namespace, Local: "CopyPartResult"}, LastModified: isoTime(part.Modified), ETag: part.ETag})
}

// storePart keeps a part of an upload, in place of one that has its number.
func (c *s3Call) storePart(body io.Reader) (*s3Part, error) {
	n, err := strconv.Atoi(c.query.Get("partNumber"))
	if err != nil || n < 1 || n > maxParts {
		return nil, s3Invalid("Part number must be an integer between 1 and 10000, inclusive")
	}
	c.objects.mu.Lock()
	b, u, err := c.upload()
	c.objects.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if u.Algorithm != "" {
		c.r.Header.Set("X-Amz-Sdk-Checksum-Algorithm", u.Algorithm)
	}
	in, err := c.receive(b, body)
	if err != nil {
		return nil, err
	}
	defer in.discard()
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	if b, u, err = c.upload(); err != nil {
		return nil, err
	}
	p := &s3Part{in.etag, in.algorithm, in.checksum, in.size, c.now, u.ID + "." + itoa(n) + ".part"}
	if err = os.Rename(in.file.Name(), filepath.Join(b.dir, p.File)); err != nil {
		return nil, err
	}
	u.Parts[n] = p
	return p, b.saveUpload(u)
}

type s3CompletedPart struct {
	PartNumber int
	ETag       string
}

// completeUpload makes an object of an upload's parts.
func (c *s3Call) completeUpload() error {
	var in struct{ Part []s3CompletedPart }
	if err := c.readXML(&in); err != nil {
		return err
	}
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, u, err := c.upload()
	if err != nil {
		return err
	}
	parts, err := u.chosen(in.Part)
	if err == nil {
		err = c.permitted(b)
	}
	if err != nil {
		return err
	}
	obj := u.Object
	obj.Size, obj.Parts = 0, nil
	var files []io.Reader
	for _, p := range parts {
		f, ferr := os.Open(filepath.Join(b.dir, p.File))
		if ferr != nil {
			return ferr
		}
		defer f.Close() //nolint:errcheck // opened for reading
		files = append(files, f)
		obj.Size += p.Size
		obj.Parts = append(obj.Parts, p.Size)
	}
	obj.ETag = joinedETag(parts)
	if err := u.sum(obj, parts, b.dir); err != nil {
		return err
	}
	if err := c.objects.keep(b, obj, io.MultiReader(files...)); err != nil {
		return err
	}
	if err := b.endUpload(u); err != nil {
		return err
	}
	return c.document(struct {
		XMLName                     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
		Location, Bucket, Key, ETag string
		*s3Sums
	}{Location: "http://" + c.r.Host + c.r.URL.EscapedPath(), Bucket: c.bucket, Key: c.key, ETag: obj.ETag, s3Sums: obj.sums()})
}

// chosen are the parts that a completion names, which must be in order and large enough.
func (u *s3Upload) chosen(named []s3CompletedPart) ([]*s3Part, error) {
	if len(named) == 0 {
		return nil, s3Fail(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	var parts []*s3Part
	for i, n := range named {
		p := u.Parts[n.PartNumber]
		switch {
		case i > 0 && n.PartNumber <= named[i-1].PartNumber:
			return nil, s3Fail(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		case p == nil || !matchesETag(n.ETag, p.ETag):
			return nil, s3Fail(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		}
		parts = append(parts, p)
	}
	for _, p := range parts[:len(parts)-1] {
		if p.Size < minPart {
			return nil, s3Fail(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
	}
	return parts, nil
}

// joinedETag is the digest of the parts' digests and their number.
func joinedETag(parts []*s3Part) string {
	sum := md5.New() //nolint:gosec // G401: S3's ETags are MD5
	for _, p := range parts {
		if raw, err := hex.DecodeString(strings.Trim(p.ETag, `"`)); err == nil {
			_, _ = sum.Write(raw) // a hash never fails
		}
	}
	return `"` + hex.EncodeToString(sum.Sum(nil)) + "-" + itoa(len(parts)) + `"`
}

// sum is the whole object's checksum: of its bytes, or of the parts' checksums.
func (u *s3Upload) sum(obj *s3Object, parts []*s3Part, dir string) error {
	algorithm := checksums()[u.Algorithm]
	if algorithm == nil {
		return nil
	}
	sum := algorithm()
	for _, p := range parts {
		if !u.Full {
			raw, err := base64.StdEncoding.DecodeString(p.Checksum)
			if err != nil {
				return err
			}
			_, _ = sum.Write(raw) // a hash never fails
			continue
		}
		f, err := os.Open(filepath.Join(dir, p.File)) //nolint:gosec // G304: a name that the store made
		if err != nil {
			return err
		}
		_, err = io.Copy(sum, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	obj.Algorithm, obj.Checksum = u.Algorithm, base64.StdEncoding.EncodeToString(sum.Sum(nil))
	if !u.Full {
		obj.Checksum += "-" + itoa(len(parts))
	}
	return nil
}

func (c *s3Call) abortUpload() error {
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, u, err := c.upload()
	if err == nil {
		err = b.endUpload(u)
	}
	if err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

func (c *s3Call) listParts() error {
	type part struct {
		PartNumber         int
		LastModified, ETag string
		Size               int64
	}
	most, err := c.count("max-parts", 1000)
	if err != nil {
		return err
	}
	after, err := c.count("part-number-marker", maxParts)
	if err != nil {
		return err
	}
	if !c.query.Has("part-number-marker") {
		after = 0
	}
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, u, err := c.upload()
	if err != nil {
		return err
	}
	out := struct {
		XMLName                                          xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
		Bucket, Key, UploadId                            string
		Initiator, Owner                                 s3Owner
		StorageClass                                     string
		PartNumberMarker, NextPartNumberMarker, MaxParts int
		IsTruncated                                      bool
		Part                                             []part
	}{
		Bucket: c.bucket, Key: c.key, UploadId: u.ID, Initiator: s3Owner{canonicalID(b.Owner)}, Owner: s3Owner{canonicalID(b.Owner)},
		StorageClass: u.Object.storageClass(), PartNumberMarker: after, MaxParts: most,
	}
	for _, n := range slices.Sorted(maps.Keys(u.Parts)) {
		if n <= after {
			continue
		}
		if len(out.Part) == most {
			out.IsTruncated = most > 0
			break
		}
		p := u.Parts[n]
		out.Part = append(out.Part, part{n, isoTime(p.Modified), p.ETag, p.Size})
		out.NextPartNumberMarker = n
	}
	return c.document(out)
}

// partReach is the range of one part of an object that was uploaded in parts.
func (c *s3Call) partReach(obj *s3Object) (from, to int64, partial bool, err error) {
	n, err := strconv.Atoi(c.query.Get("partNumber"))
	sizes := obj.Parts
	if len(sizes) == 0 {
		sizes = []int64{obj.Size}
	}
	if err != nil || n < 1 || c.r.Header.Get("Range") != "" {
		return 0, 0, false, s3Invalid("Part number must be an integer between 1 and 10000, inclusive")
	}
	if n > len(sizes) {
		return 0, 0, false, s3Fail(http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber", "The requested partnumber is not satisfiable")
	}
	for _, size := range sizes[:n-1] {
		from += size
	}
	if len(obj.Parts) > 0 {
		c.w.Header().Set("X-Amz-Mp-Parts-Count", itoa(len(sizes)))
	}
	return from, from + sizes[n-1], sizes[n-1] > 0, nil
}

// listUploads lists the uploads under way by key and then by id.
func (c *s3Call) listUploads() error {
	type upload struct {
		Key, UploadId    string
		Initiator, Owner s3Owner
		StorageClass     string
		Initiated        string
	}
	most, err := c.count("max-uploads", 1000)
	if err != nil {
		return err
	}
	encode, err := c.encoding()
	if err != nil {
		return err
	}
	if c.query.Get("delimiter") != "" {
		return s3Lacks("a delimiter in ListMultipartUploads")(c)
	}
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, err := c.objects.bucket(c.bucket)
	if err != nil {
		return err
	}
	out := struct {
		XMLName                                         xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
		Bucket, KeyMarker, UploadIdMarker, Prefix       string
		EncodingType, NextKeyMarker, NextUploadIdMarker string `xml:",omitempty"`
		MaxUploads                                      int
		IsTruncated                                     bool
		Upload                                          []upload
	}{
		Bucket: c.bucket, KeyMarker: encode(c.query.Get("key-marker")), UploadIdMarker: c.query.Get("upload-id-marker"),
		Prefix: encode(c.query.Get("prefix")), EncodingType: c.query.Get("encoding-type"), MaxUploads: most,
	}
	all := slices.SortedFunc(maps.Values(b.uploads), func(x, y *s3Upload) int {
		return strings.Compare(x.Object.Key+"\x00"+x.ID, y.Object.Key+"\x00"+y.ID)
	})
	key, id := c.query.Get("key-marker"), c.query.Get("upload-id-marker")
	for _, u := range all {
		k := u.Object.Key
		if !strings.HasPrefix(k, c.query.Get("prefix")) || k < key || k == key && (id == "" || u.ID <= id) && key != "" {
			continue
		}
		if len(out.Upload) == most {
			out.IsTruncated = most > 0
			break
		}
		who := s3Owner{canonicalID(b.Owner)}
		out.Upload = append(out.Upload, upload{encode(k), u.ID, who, who, u.Object.storageClass(), isoTime(u.Begun)})
		out.NextKeyMarker, out.NextUploadIdMarker = encode(k), u.ID
	}
	if !out.IsTruncated {
		out.NextKeyMarker, out.NextUploadIdMarker = "", ""
	}
	return c.document(out)
}
