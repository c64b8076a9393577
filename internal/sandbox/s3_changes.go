package sandbox

import (
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// readXML decodes a document of a request, whatever its namespace.
func (c *s3Call) readXML(v any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, c.r.Body, maxBody))
	if err == nil {
		err = xml.Unmarshal(raw, v)
	}
	if err != nil {
		return s3Fail(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	return nil
}

// deleteObject deletes what may not be there.
func (c *s3Call) deleteObject() error {
	if err := c.unversioned(); err != nil {
		return err
	}
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, err := c.objects.bucket(c.bucket)
	if err != nil {
		return err
	}
	if match := c.r.Header.Get("If-Match"); match != "" {
		if old := b.objects[c.key]; old == nil {
			return noKey()
		} else if !matchesETag(match, old.ETag) {
			return preconditionFailed()
		}
	}
	if err := b.forget(c.key); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

type (
	s3Deleted      struct{ Key string }
	s3DeleteFailed struct{ Key, Code, Message string }
	s3Deletion     struct {
		XMLName xml.Name `xml:"DeleteResult"`
		Deleted []s3Deleted
		Error   []s3DeleteFailed
	}
)

func (c *s3Call) deleteObjects() error {
	var in struct {
		Quiet  bool
		Object []struct{ Key, VersionId, ETag string }
	}
	if err := c.readXML(&in); err != nil {
		return err
	}
	if len(in.Object) == 0 || len(in.Object) > 1000 {
		return s3Fail(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, err := c.objects.bucket(c.bucket)
	if err != nil {
		return err
	}
	var out s3Deletion
	for _, o := range in.Object {
		old := b.objects[o.Key]
		switch {
		case o.VersionId != "" && o.VersionId != "null":
			out.Error = append(out.Error, s3DeleteFailed{o.Key, "NoSuchVersion", "The specified version does not exist."})
			continue
		case o.ETag != "" && (old == nil || !matchesETag(o.ETag, old.ETag)):
			out.Error = append(out.Error, s3DeleteFailed{o.Key, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"})
			continue
		}
		if err := b.forget(o.Key); err != nil {
			return err
		}
		if !in.Quiet {
			out.Deleted = append(out.Deleted, s3Deleted{o.Key})
		}
	}
	return c.document(out)
}

// source finds the object that a copy is made of, and holds it to the copy's conditions.
func (c *s3Call) source() (*s3Object, io.ReadCloser, error) {
	from, query, _ := strings.Cut(strings.TrimPrefix(c.r.Header.Get("X-Amz-Copy-Source"), "/"), "?")
	path, err := url.PathUnescape(from)
	bucket, key, ok := strings.Cut(path, "/")
	if err != nil || !ok || bucket == "" || key == "" || query != "" && query != "versionId=null" {
		return nil, nil, s3Invalid("Invalid copy source object key")
	}
	obj, f, err := c.objects.open(bucket, key)
	if err != nil {
		return nil, nil, err
	}
	h := c.r.Header
	modified := obj.Modified.Truncate(time.Second)
	bad := h.Get("X-Amz-Copy-Source-If-Match") != "" && !matchesETag(h.Get("X-Amz-Copy-Source-If-Match"), obj.ETag) ||
		h.Get("X-Amz-Copy-Source-If-None-Match") != "" && matchesETag(h.Get("X-Amz-Copy-Source-If-None-Match"), obj.ETag)
	if t, perr := http.ParseTime(h.Get("X-Amz-Copy-Source-If-Modified-Since")); perr == nil && !modified.After(t) {
		bad = true
	}
	if t, perr := http.ParseTime(h.Get("X-Amz-Copy-Source-If-Unmodified-Since")); perr == nil && modified.After(t) {
		bad = true
	}
	if bad {
		_ = f.Close() // opened for reading
		return nil, nil, preconditionFailed()
	}
	from0, to, partial := byteRange(h.Get("X-Amz-Copy-Source-Range"), obj.Size)
	if from0 < 0 || partial && h.Get("X-Amz-Copy-Source-Range") != "" && to > obj.Size {
		_ = f.Close() // as above
		return nil, nil, s3Fail(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	}
	return obj, struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, obj.start+from0, to-from0), f}, nil
}

type s3Copied struct {
	XMLName      xml.Name
	LastModified string
	ETag         string
	*s3Sums
}

// copyObject copies an object, with its own headers, metadata and tags unless the call replaces them.
func (c *s3Call) copyObject() error {
	if err := c.lacking(); err != nil {
		return err
	}
	obj, err := c.described()
	if err != nil {
		return err
	}
	src, body, err := c.source()
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // opened for reading
	replace := c.r.Header.Get("X-Amz-Metadata-Directive") == "REPLACE"
	if path, perr := url.PathUnescape(strings.TrimPrefix(c.r.Header.Get("X-Amz-Copy-Source"), "/")); perr == nil && path == c.bucket+"/"+c.key && !replace &&
		c.r.Header.Get("X-Amz-Storage-Class") == "" && c.r.Header.Get("X-Amz-Server-Side-Encryption") == "" {
		return s3Fail(http.StatusBadRequest, "InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if !replace {
		own := obj.Headers
		obj.Headers, obj.Meta = maps.Clone(src.Headers), src.Meta
		for _, name := range []string{"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Storage-Class"} {
			if own[name] != "" {
				obj.Headers[name] = own[name]
			}
		}
	}
	if c.r.Header.Get("X-Amz-Tagging-Directive") != "REPLACE" {
		obj.Tags = src.Tags
	}
	b, err := c.home()
	if err != nil {
		return err
	}
	in, err := c.receive(b, body)
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
	c.sealed(obj)
	return c.document(s3Copied{xml.Name{Space: s3Namespace, Local: "CopyObjectResult"}, isoTime(obj.Modified), obj.ETag, obj.sums()})
}
