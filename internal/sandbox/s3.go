package sandbox

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// An s3Call is one request to S3 after its path was read. A key is any text of up to 1,024 bytes: nothing in it means
// anything, neither a slash nor a dot.
type s3Call struct {
	*call
	w           http.ResponseWriter
	r           *http.Request
	bucket, key string
	query       url.Values
	objects     *objectStore
}

// An s3Answer carries out one operation and writes its answer; an error is written by the caller.
type s3Answer func(*s3Call) error

// maxKey is the longest key, in bytes.
const maxKey = 1024

// serveS3 answers S3, whose buckets are addressed by path.
func (s *Server) serveS3(w http.ResponseWriter, r *http.Request, c *call, authErr error) {
	s3 := &s3Call{call: c, w: w, r: r, query: r.URL.Query(), objects: s.objects}
	err := s3.address()
	name, act := s3.route()
	c.name = name
	err = cmp.Or(s.fault("s3:"+name), authErr, err)
	if err == nil {
		err = s3.unwrap()
	}
	if err == nil {
		err = act(s3)
	}
	if err != nil {
		s3.refuse(err)
	}
}

// address reads bucket and key of the path as it was sent.
func (c *s3Call) address() error {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(c.r.URL.EscapedPath(), "/"), "/")
	var errB, errK error
	c.bucket, errB = url.PathUnescape(bucket)
	c.key, errK = url.PathUnescape(key)
	switch {
	case errB != nil || errK != nil:
		return s3Fail(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
	case len(c.key) > maxKey:
		return s3Fail(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	return nil
}

// An s3Route is one operation: the method and the sub-resource that stand for it. Of several that fit the first counts.
type s3Route struct {
	method string
	query  string // a parameter that must be there
	header string // a header that must be there
	name   string
	act    s3Answer
}

// route finds the operation of a call.
func (c *s3Call) route() (string, s3Answer) {
	routes := bucketRoutes()
	switch {
	case c.bucket == "":
		routes = []s3Route{{http.MethodGet, "", "", "ListBuckets", (*s3Call).listBuckets}}
	case c.key != "":
		routes = objectRoutes()
	}
	for _, r := range routes {
		if r.method == c.r.Method && (r.query == "" || c.query.Has(r.query)) && (r.header == "" || c.r.Header.Get(r.header) != "") {
			if sub := c.unknown(); r.query == "" && sub != "" {
				return "?", s3Lacks("the sub-resource " + sub)
			}
			return r.name, r.act
		}
	}
	return "?", func(*s3Call) error {
		return s3Fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
}

// unknown is a parameter without a value, as sub-resources are, that no operation here has.
func (c *s3Call) unknown() string {
	for _, name := range sortedKeys(c.query) {
		if c.query.Get(name) == "" && !slices.Contains([]string{"prefix", "delimiter", "marker", "start-after", "encoding-type", "max-keys", "versionId", "key-marker"}, name) {
			return name
		}
	}
	return ""
}

func bucketRoutes() []s3Route {
	routes := []s3Route{
		{http.MethodGet, "location", "", "GetBucketLocation", (*s3Call).getLocation},
		{http.MethodGet, "uploads", "", "ListMultipartUploads", (*s3Call).listUploads},
		{http.MethodGet, "versions", "", "ListObjectVersions", (*s3Call).listVersions},
		{http.MethodGet, "acl", "", "GetBucketAcl", (*s3Call).getACL},
		{http.MethodPut, "acl", "", "PutBucketAcl", (*s3Call).putACL},
		{http.MethodPost, "delete", "", "DeleteObjects", (*s3Call).deleteObjects},
	}
	for _, sub := range bucketSettings() {
		routes = append(routes, sub.routes()...)
	}
	return append(routes,
		s3Route{http.MethodGet, "list-type", "", "ListObjectsV2", (*s3Call).listObjectsV2},
		s3Route{http.MethodGet, "", "", "ListObjects", (*s3Call).listObjects},
		s3Route{http.MethodHead, "", "", "HeadBucket", (*s3Call).headBucket},
		s3Route{http.MethodPut, "", "", "CreateBucket", (*s3Call).createBucket},
		s3Route{http.MethodDelete, "", "", "DeleteBucket", (*s3Call).deleteBucket},
		s3Route{http.MethodPost, "", "", "PostObject", s3Lacks("uploads by forms")},
	)
}

func objectRoutes() []s3Route {
	return []s3Route{
		{http.MethodGet, "tagging", "", "GetObjectTagging", (*s3Call).getObjectTags},
		{http.MethodPut, "tagging", "", "PutObjectTagging", (*s3Call).putObjectTags},
		{http.MethodDelete, "tagging", "", "DeleteObjectTagging", (*s3Call).deleteObjectTags},
		{http.MethodGet, "acl", "", "GetObjectAcl", (*s3Call).getACL},
		{http.MethodPut, "acl", "", "PutObjectAcl", (*s3Call).putACL},
		{http.MethodGet, "attributes", "", "GetObjectAttributes", (*s3Call).objectAttributes},
		{http.MethodGet, "retention", "", "GetObjectRetention", s3NoLock},
		{http.MethodPut, "retention", "", "PutObjectRetention", s3NoLock},
		{http.MethodGet, "legal-hold", "", "GetObjectLegalHold", s3NoLock},
		{http.MethodPut, "legal-hold", "", "PutObjectLegalHold", s3NoLock},
		{http.MethodGet, "torrent", "", "GetObjectTorrent", s3Lacks("torrents")},
		{http.MethodPost, "select", "", "SelectObjectContent", s3Lacks("S3 Select")},
		{http.MethodPost, "restore", "", "RestoreObject", s3Lacks("restoring archived objects")},
		{http.MethodPut, "renameObject", "", "RenameObject", s3Lacks("directory buckets")},
		{http.MethodPost, "uploads", "", "CreateMultipartUpload", (*s3Call).createUpload},
		{http.MethodPut, "uploadId", "X-Amz-Copy-Source", "UploadPartCopy", (*s3Call).copyPart},
		{http.MethodPut, "uploadId", "", "UploadPart", (*s3Call).uploadPart},
		{http.MethodPost, "uploadId", "", "CompleteMultipartUpload", (*s3Call).completeUpload},
		{http.MethodDelete, "uploadId", "", "AbortMultipartUpload", (*s3Call).abortUpload},
		{http.MethodGet, "uploadId", "", "ListParts", (*s3Call).listParts},
		{http.MethodGet, "", "", "GetObject", (*s3Call).getObject},
		{http.MethodHead, "", "", "HeadObject", (*s3Call).getObject},
		{http.MethodPut, "", "X-Amz-Copy-Source", "CopyObject", (*s3Call).copyObject},
		{http.MethodPut, "", "", "PutObject", (*s3Call).putObject},
		{http.MethodDelete, "", "", "DeleteObject", (*s3Call).deleteObject},
	}
}

// s3Fail is an error of S3's. Its codes are in no model that is embedded, so the status comes with it.
func s3Fail(status int, code, format string, args ...any) error {
	return &failure{Code: code, Message: fmt.Sprintf(format, args...), Status: status}
}

// s3Lacks answers for what the sandbox's S3 does not do.
func s3Lacks(what string) s3Answer {
	return func(*s3Call) error {
		return s3Fail(http.StatusNotImplemented, "NotImplemented", "The sandbox does not do this: %s.", what)
	}
}

func s3NoLock(*s3Call) error {
	return s3Fail(http.StatusBadRequest, "InvalidRequest", "Bucket is missing Object Lock Configuration")
}

func noBucket() error {
	return s3Fail(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
}

func noKey() error {
	return s3Fail(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
}

func s3Invalid(format string, args ...any) error {
	return s3Fail(http.StatusBadRequest, "InvalidArgument", format, args...)
}

// refuse writes an error. That of a HEAD has no body, and its code is the status alone.
func (c *s3Call) refuse(err error) {
	f := asFailure(err)
	code := awsmodel.ErrorCode(f.Code)
	status := cmp.Or(f.Status, awsmodel.ErrorStatus("s3", code))
	c.w.Header().Set("Content-Type", "application/xml")
	c.w.WriteHeader(status)
	if c.r.Method == http.MethodHead || status == http.StatusNotModified {
		return
	}
	body := struct {
		XMLName                                    xml.Name `xml:"Error"`
		Code, Message                              string
		BucketName, Key, Resource, RequestId, Host string `xml:",omitempty"`
	}{Code: f.Code, Message: f.Message, Resource: c.r.URL.Path, RequestId: c.id}
	switch code {
	case "NoSuchKey":
		body.Key = c.key
	case "NoSuchBucket", "BucketNotEmpty":
		body.BucketName = c.bucket
	}
	c.body(body)
}

// body writes a document after its header was written.
func (c *s3Call) body(v any) {
	_, _ = c.w.Write([]byte(xml.Header)) // a client that has gone hears nothing
	_ = xml.NewEncoder(c.w).Encode(v)    // as above
}

// document answers with XML.
func (c *s3Call) document(v any) error {
	c.w.Header().Set("Content-Type", "application/xml")
	c.w.WriteHeader(http.StatusOK)
	c.body(v)
	return nil
}

func (c *s3Call) done(status int) error {
	c.w.WriteHeader(status)
	return nil
}

// count reads a parameter that is a number from 0 to most.
func (c *s3Call) count(name string, most int) (int, error) {
	v := c.query.Get(name)
	if v == "" {
		return most, nil
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 0 {
		return 0, s3Invalid("Provided %s not an integer or within integer range", name)
	}
	return min(int(n), most), nil
}

// unversioned refuses versions of objects: there is one only, "null".
func (c *s3Call) unversioned() error {
	if v := c.query.Get("versionId"); !slices.Contains([]string{"", "null"}, v) {
		return s3Invalid("Invalid version id specified")
	}
	return nil
}
