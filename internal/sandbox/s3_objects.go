package sandbox

import (
	"cmp"
	"crypto/md5" //nolint:gosec // G501: S3's ETags are MD5
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// storedHeaders are those of an upload that come back with the object.
func storedHeaders() []string {
	return []string{
		"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires",
		"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Storage-Class", "X-Amz-Website-Redirect-Location",
	}
}

func etag(body []byte) string {
	sum := md5.Sum(body) //nolint:gosec // G401: as above
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// lacking refuses what an upload asks for and would not get.
func (c *s3Call) lacking() error {
	switch h := c.r.Header; {
	case h.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != "":
		return s3Lacks("encryption with keys of the customer's")(c)
	case h.Get("X-Amz-Object-Lock-Mode") != "" || h.Get("X-Amz-Object-Lock-Legal-Hold") != "":
		return s3NoLock(c)
	case h.Get("X-Amz-Write-Offset-Bytes") != "":
		return s3Lacks("appending to objects")(c)
	}
	return c.cannedACL()
}

// described is an object with what the headers of an upload say of it.
func (c *s3Call) described() (*s3Object, error) {
	obj := &s3Object{Key: c.key, Headers: map[string]string{}, Meta: map[string]string{}}
	size := 0
	for name, values := range c.r.Header {
		if rest, ok := strings.CutPrefix(name, "X-Amz-Meta-"); ok {
			obj.Meta[strings.ToLower(rest)] = strings.Join(values, ",")
			size += len(rest) + len(obj.Meta[strings.ToLower(rest)])
		}
	}
	if size > 2048 {
		return nil, s3Fail(http.StatusBadRequest, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	for _, name := range storedHeaders() {
		if v := c.r.Header.Get(name); v != "" {
			obj.Headers[name] = v
		}
	}
	obj.Headers["Content-Type"] = cmp.Or(obj.Headers["Content-Type"], "binary/octet-stream")
	var err error
	obj.Tags, err = headerTags(c.r.Header.Get("X-Amz-Tagging"))
	return obj, err
}

func headerTags(header string) ([]s3Tag, error) {
	q, err := url.ParseQuery(header)
	if err != nil {
		return nil, s3Invalid("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	var tags []s3Tag
	for _, k := range sortedKeys(q) {
		if len(q[k]) > 1 {
			return nil, s3Invalid("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
		}
		tags = append(tags, s3Tag{k, q.Get(k)})
	}
	return tags, checkTags(tags, 10)
}

// A received is a body on disk, with what was computed while it came.
type received struct {
	file                *os.File
	size                int64
	etag                string
	algorithm, checksum string
}

func (r *received) discard() {
	_ = r.file.Close()           // nothing more is wanted of it
	_ = os.Remove(r.file.Name()) // it may have become a part by a rename
}

// receive writes a body into a file of the bucket and holds it to the sums that came with it.
func (c *s3Call) receive(b *s3Bucket, body io.Reader) (*received, error) {
	f, err := c.objects.temporary(b)
	if err != nil {
		return nil, err
	}
	in := &received{file: f}
	sum := md5.New() //nolint:gosec // G401: as above
	check := newChecksum(c.r.Header)
	if in.size, err = io.Copy(io.MultiWriter(f, sum, check), body); err == nil {
		in.etag = `"` + hex.EncodeToString(sum.Sum(nil)) + `"`
		in.algorithm, in.checksum, err = check.result(c.r.Header)
	}
	given := c.r.Header.Get("Content-Md5")
	switch _, isOurs := errors.AsType[*failure](err); {
	case isOurs:
	case err != nil:
		err = s3Fail(http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header: %s.", err)
	case c.r.ContentLength >= 0 && body == io.Reader(c.r.Body) && in.size != c.r.ContentLength:
		err = s3Fail(http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.")
	case given != "" && base64.StdEncoding.EncodeToString(sum.Sum(nil)) != given:
		err = s3Fail(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		in.discard()
		return nil, err
	}
	return in, nil
}

// permitted holds a write to the conditions it came with. The caller holds the lock.
func (c *s3Call) permitted(b *s3Bucket) error {
	old := b.objects[c.key]
	none, match := c.r.Header.Get("If-None-Match"), c.r.Header.Get("If-Match")
	switch {
	case none != "" && none != "*":
		return s3Fail(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented")
	case none == "*" && old != nil:
		return preconditionFailed()
	case match != "" && old == nil:
		return noKey()
	case match != "" && !matchesETag(match, old.ETag):
		return preconditionFailed()
	}
	return nil
}

func preconditionFailed() error {
	return s3Fail(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
}

func matchesETag(header, etag string) bool {
	return slices.ContainsFunc(strings.Split(header, ","), func(h string) bool {
		h = strings.Trim(strings.TrimSpace(h), `"`)
		return h == "*" || h == strings.Trim(etag, `"`)
	})
}

// home finds the bucket of an upload, or makes it.
func (c *s3Call) home() (*s3Bucket, error) {
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	return c.objects.ensure(c.bucket, c.region, c.account)
}

func (c *s3Call) putObject() error {
	if err := c.lacking(); err != nil {
		return err
	}
	obj, err := c.described()
	if err != nil {
		return err
	}
	b, err := c.home()
	if err != nil {
		return err
	}
	in, err := c.receive(b, c.r.Body)
	if err != nil {
		return err
	}
	defer in.discard()
	obj.ETag, obj.Size, obj.Algorithm, obj.Checksum = in.etag, in.size, in.algorithm, in.checksum
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	err = c.permitted(b)
	if err == nil {
		err = c.objects.keep(b, obj, in.file)
	}
	if err != nil {
		return err
	}
	c.w.Header().Set("Etag", obj.ETag)
	c.sealed(obj)
	return c.done(http.StatusOK)
}

// sealed says how an object is encrypted and what its checksum is.
func (c *s3Call) sealed(obj *s3Object) {
	h := c.w.Header()
	h.Set("X-Amz-Server-Side-Encryption", cmp.Or(obj.Headers["X-Amz-Server-Side-Encryption"], "AES256"))
	if key := obj.Headers["X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"]; key != "" {
		h.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", key)
	}
	if obj.Checksum != "" {
		h.Set("X-Amz-Checksum-"+obj.Algorithm, obj.Checksum)
		h.Set("X-Amz-Checksum-Type", obj.checksumType())
	}
}

func (o *s3Object) checksumType() string {
	if strings.Contains(o.Checksum, "-") {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

// getObject answers GET and HEAD, with conditions and ranges.
func (c *s3Call) getObject() error {
	if err := c.unversioned(); err != nil {
		return err
	}
	obj, f, err := c.objects.open(c.bucket, c.key)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	h := c.w.Header()
	h.Set("Etag", obj.ETag)
	h.Set("Last-Modified", obj.Modified.UTC().Format(http.TimeFormat))
	if err = c.wanted(obj); err != nil {
		return err
	}
	h.Set("Accept-Ranges", "bytes")
	for name, v := range obj.Headers {
		h.Set(name, v)
	}
	for name, v := range obj.Meta {
		h["x-amz-meta-"+name] = []string{v} // in lower case, as AWS sends it and clients show it
	}
	if n := len(obj.Tags); n > 0 {
		h.Set("X-Amz-Tagging-Count", itoa(n))
	}
	for _, name := range storedHeaders()[:6] {
		if v := c.query.Get("response-" + strings.ToLower(name)); v != "" {
			h.Set(name, v)
		}
	}
	from, to, partial, err := c.reach(obj)
	if err != nil {
		return err
	}
	h.Set("X-Amz-Server-Side-Encryption", "AES256")
	if c.r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && !partial {
		c.sealed(obj)
	}
	h.Set("Content-Length", itoa(int(to-from)))
	status := http.StatusOK
	if partial {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, obj.Size))
		status = http.StatusPartialContent
	}
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodGet {
		_, _ = io.Copy(c.w, io.NewSectionReader(f, obj.start+from, to-from)) // a client that has gone hears nothing
	}
	return nil
}

// wanted holds a read to its conditions, in the order of RFC 9110, 13.2.2.
func (c *s3Call) wanted(obj *s3Object) error {
	h := c.r.Header
	since := func(name string) (time.Time, bool) {
		t, err := http.ParseTime(h.Get(name))
		return t, err == nil
	}
	modified := obj.Modified.Truncate(time.Second)
	notModified := s3Fail(http.StatusNotModified, "NotModified", "")
	if match := h.Get("If-Match"); match != "" {
		if !matchesETag(match, obj.ETag) {
			return preconditionFailed()
		}
	} else if t, ok := since("If-Unmodified-Since"); ok && modified.After(t) {
		return preconditionFailed()
	}
	if none := h.Get("If-None-Match"); none != "" {
		if matchesETag(none, obj.ETag) {
			return notModified
		}
	} else if t, ok := since("If-Modified-Since"); ok && !modified.After(t) {
		return notModified
	}
	return nil
}

// reach is the range of bytes that a read asks for: by a Range header, by a part's number, or all.
func (c *s3Call) reach(obj *s3Object) (from, to int64, partial bool, err error) {
	if c.query.Has("partNumber") {
		return c.partReach(obj)
	}
	from, to, partial = byteRange(c.r.Header.Get("Range"), obj.Size)
	if from < 0 {
		c.w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", obj.Size))
		return 0, 0, false, s3Fail(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	}
	return from, to, partial, nil
}

// byteRange reads a Range header. What is no range of bytes, or several, is as if it were not there, as S3 has it; from
// is -1 where the object has none of the bytes.
func byteRange(header string, size int64) (from, to int64, partial bool) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, cut := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok || !cut || strings.Contains(spec, ",") {
		return 0, size, false
	}
	a, errA := parseSize(first)
	b, errB := parseSize(last)
	switch {
	case first == "" && errB == nil:
		if b == 0 || size == 0 {
			return -1, 0, false
		}
		return max(size-b, 0), size, true
	case errA != nil || last != "" && (errB != nil || b < a):
		return 0, size, false
	case a >= size:
		return -1, 0, false
	case last == "":
		return a, size, true
	}
	return a, min(b+1, size), true
}
