package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

var bucketName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`) })

func (c *s3Call) listBuckets() error {
	type bucket struct{ Name, CreationDate, BucketRegion string }
	most, err := c.count("max-buckets", 10_000)
	if err != nil {
		return err
	}
	out := struct {
		XMLName           xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
		Owner             s3Owner
		Buckets           struct{ Bucket []bucket }
		ContinuationToken string `xml:",omitempty"`
		Prefix            string `xml:",omitempty"`
	}{Owner: s3Owner{canonicalID(c.account)}, Prefix: c.query.Get("prefix")}
	region := c.query.Get("bucket-region")
	for _, name := range c.objects.buckets() {
		c.objects.mu.Lock()
		b := c.objects.all[name]
		c.objects.mu.Unlock()
		if b == nil || !strings.HasPrefix(name, out.Prefix) || name <= c.query.Get("continuation-token") || region != "" && b.region() != region {
			continue
		}
		if len(out.Buckets.Bucket) == most {
			out.ContinuationToken = out.Buckets.Bucket[most-1].Name
			break
		}
		out.Buckets.Bucket = append(out.Buckets.Bucket, bucket{b.Name, isoTime(b.Created), b.region()})
	}
	return c.document(out)
}

func (b *s3Bucket) region() string { return cmp.Or(b.Region, "us-east-1") }

// found finds the bucket of a call and says where it is.
func (c *s3Call) found() (*s3Bucket, error) {
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, err := c.objects.bucket(c.bucket)
	if err == nil {
		c.w.Header().Set("X-Amz-Bucket-Region", b.region())
	}
	return b, err
}

func (c *s3Call) headBucket() error {
	if _, err := c.found(); err != nil {
		return err
	}
	return c.done(http.StatusOK)
}

func (c *s3Call) getLocation() error {
	b, err := c.found()
	if err != nil {
		return err
	}
	where := b.region()
	if where == "us-east-1" {
		where = ""
	}
	return c.document(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Where   string   `xml:",chardata"`
	}{Where: where})
}

func (c *s3Call) createBucket() error {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, c.r.Body, maxBody))
	if err != nil {
		return err
	}
	var in struct{ LocationConstraint string }
	if len(bytes.TrimSpace(raw)) > 0 && xml.Unmarshal(raw, &in) != nil {
		return s3Fail(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	if c.r.Header.Get("X-Amz-Bucket-Object-Lock-Enabled") == "true" {
		return s3Lacks("object lock")(c)
	}
	if err = c.cannedACL(); err != nil {
		return s3Fail(http.StatusBadRequest, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	if b := c.objects.all[c.bucket]; b != nil {
		switch {
		case b.Owner != "" && b.Owner != c.account:
			return s3Fail(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
		case b.region() != "us-east-1" || cmp.Or(in.LocationConstraint, "us-east-1") != "us-east-1":
			return s3Fail(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
		}
	} else if _, err = c.objects.ensure(c.bucket, cmp.Or(in.LocationConstraint, "us-east-1"), c.account); err != nil {
		return err
	}
	c.w.Header().Set("Location", "/"+c.bucket)
	return c.done(http.StatusOK)
}

func (c *s3Call) deleteBucket() error {
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, err := c.objects.bucket(c.bucket)
	if err != nil {
		return err
	}
	if len(b.keys) > 0 {
		return s3Fail(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
	}
	if err := c.objects.drop(b); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

// An s3Setting is a sub-resource of a bucket that is one document. What is kept is shown again; nothing acts on it, as
// nothing here judges requests or deletes objects by itself.
type s3Setting struct {
	query, name string // ?policy is of GetBucketPolicy, name is "BucketPolicy"
	root        string // of its XML; "" for JSON
	// absent is the code for a bucket without one, with its sentence; without a code empty is the answer.
	absent, sentence, empty string
	put                     bool // whether one can be put
	most                    int  // tags, of tagging
}

func bucketSettings() []s3Setting {
	xmlOf := func(root string) string { return "<" + root + ` xmlns="` + s3Namespace + `"/>` }
	return []s3Setting{
		{query: "policyStatus", name: "BucketPolicyStatus", absent: "NoSuchBucketPolicy", sentence: "The bucket policy does not exist"},
		{query: "policy", name: "BucketPolicy", absent: "NoSuchBucketPolicy", sentence: "The bucket policy does not exist", put: true},
		{query: "tagging", name: "BucketTagging", root: "Tagging", absent: "NoSuchTagSet", sentence: "The TagSet does not exist", put: true, most: 50},
		{query: "cors", name: "BucketCors", root: "CORSConfiguration", absent: "NoSuchCORSConfiguration", sentence: "The CORS configuration does not exist", put: true},
		{query: "lifecycle", name: "BucketLifecycleConfiguration", root: "LifecycleConfiguration", absent: "NoSuchLifecycleConfiguration", sentence: "The lifecycle configuration does not exist", put: true},
		{query: "encryption", name: "BucketEncryption", root: "ServerSideEncryptionConfiguration", empty: defaultEncryption, put: true},
		{query: "publicAccessBlock", name: "PublicAccessBlock", root: "PublicAccessBlockConfiguration", absent: "NoSuchPublicAccessBlockConfiguration", sentence: "The public access block configuration was not found", put: true},
		{query: "ownershipControls", name: "BucketOwnershipControls", root: "OwnershipControls", absent: "OwnershipControlsNotFoundError", sentence: "The bucket ownership controls were not found", put: true},
		{query: "versioning", name: "BucketVersioning", empty: xmlOf("VersioningConfiguration")},
		{query: "logging", name: "BucketLogging", empty: xmlOf("BucketLoggingStatus")},
		{query: "notification", name: "BucketNotificationConfiguration", empty: xmlOf("NotificationConfiguration")},
		{query: "accelerate", name: "BucketAccelerateConfiguration", empty: xmlOf("AccelerateConfiguration")},
		{query: "requestPayment", name: "BucketRequestPayment", empty: `<RequestPaymentConfiguration xmlns="` + s3Namespace + `"><Payer>BucketOwner</Payer></RequestPaymentConfiguration>`},
		{query: "website", name: "BucketWebsite", absent: "NoSuchWebsiteConfiguration", sentence: "The specified bucket does not have a website configuration"},
		{query: "replication", name: "BucketReplication", absent: "ReplicationConfigurationNotFoundError", sentence: "The replication configuration was not found"},
		{query: "object-lock", name: "ObjectLockConfiguration", absent: "ObjectLockConfigurationNotFoundError", sentence: "Object Lock configuration does not exist for this bucket"},
		{query: "inventory", name: "BucketInventoryConfiguration", absent: "NoSuchConfiguration", sentence: "The specified configuration does not exist."},
		{query: "analytics", name: "BucketAnalyticsConfiguration", absent: "NoSuchConfiguration", sentence: "The specified configuration does not exist."},
		{query: "metrics", name: "BucketMetricsConfiguration", absent: "NoSuchConfiguration", sentence: "The specified configuration does not exist."},
		{query: "intelligent-tiering", name: "BucketIntelligentTieringConfiguration", absent: "NoSuchConfiguration", sentence: "The specified configuration does not exist."},
		{query: "metadataTable", name: "BucketMetadataTableConfiguration", absent: "MetadataTableConfigurationNotFound", sentence: "The metadata table configuration was not found"},
		{query: "metadataConfiguration", name: "BucketMetadataConfiguration", absent: "MetadataConfigurationNotFound", sentence: "The metadata configuration was not found"},
	}
}

const defaultEncryption = `<ServerSideEncryptionConfiguration xmlns="` + s3Namespace + `"><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>` +
	`</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>`

// newSettings are those of a new bucket since April 2023: no ACLs, nothing public.
func newSettings() map[string]string {
	return map[string]string{
		"ownershipControls": `<OwnershipControls xmlns="` + s3Namespace + `"><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>`,
		"publicAccessBlock": `<PublicAccessBlockConfiguration xmlns="` + s3Namespace + `"><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>` +
			`<BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>`,
	}
}

func (s s3Setting) routes() []s3Route {
	put := s3Lacks("a bucket's " + s.query)
	remove := put
	if s.put {
		put, remove = s.keep, s.forget
	}
	return []s3Route{
		{http.MethodGet, s.query, "", "Get" + s.name, s.show},
		{http.MethodPut, s.query, "", "Put" + s.name, put},
		{http.MethodDelete, s.query, "", "Delete" + s.name, remove},
	}
}

func (s s3Setting) show(c *s3Call) error {
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, err := c.objects.bucket(c.bucket)
	if err != nil {
		return err
	}
	if s.query == "policyStatus" && b.Settings["policy"] != "" {
		return s3Lacks("judging whether a policy is public")(c)
	}
	document := cmp.Or(b.Settings[s.query], s.empty)
	if document == "" {
		return s3Fail(http.StatusNotFound, s.absent, "%s", s.sentence)
	}
	kind := "application/xml"
	if s.query == "policy" {
		kind = "application/json"
	}
	c.w.Header().Set("Content-Type", kind)
	_, _ = io.WriteString(c.w, document) // a client that has gone hears nothing
	return nil
}

// check says whether a document is one of the setting.
func (s s3Setting) check(raw []byte) error {
	if s.root == "" {
		var policy struct {
			Version   string
			Statement []map[string]any
		}
		if json.Unmarshal(raw, &policy) != nil || len(policy.Statement) == 0 {
			return s3Fail(http.StatusBadRequest, "MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
		}
		for _, st := range policy.Statement {
			if st["Effect"] == nil || st["Principal"] == nil && st["NotPrincipal"] == nil || st["Action"] == nil && st["NotAction"] == nil {
				return s3Fail(http.StatusBadRequest, "MalformedPolicy", "Missing required field Effect, Principal or Action")
			}
		}
		return nil
	}
	var doc struct{ XMLName xml.Name }
	if xml.Unmarshal(raw, &doc) != nil || doc.XMLName.Local != s.root {
		return s3Fail(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	if s.most > 0 {
		var tags s3Tagging
		if err := xml.Unmarshal(raw, &tags); err != nil {
			return s3Fail(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
		}
		return checkTags(tags.TagSet.Tag, s.most)
	}
	return nil
}

func (s s3Setting) keep(c *s3Call) error {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, c.r.Body, maxBody))
	if err == nil {
		err = s.check(raw)
	}
	status := http.StatusOK
	if s.query == "policy" || s.query == "tagging" {
		status = http.StatusNoContent
	}
	if err == nil {
		err = s.set(c, string(raw))
	}
	if err != nil {
		return err
	}
	return c.done(status)
}

func (s s3Setting) forget(c *s3Call) error {
	if err := s.set(c, ""); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

func (s s3Setting) set(c *s3Call, document string) error {
	c.objects.mu.Lock()
	defer c.objects.mu.Unlock()
	b, err := c.objects.bucket(c.bucket)
	if err != nil {
		return err
	}
	if document == "" {
		delete(b.Settings, s.query)
	} else {
		b.Settings[s.query] = document
	}
	return b.save()
}
