package sandbox_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// hostileKeys are keys that would mean something as paths, in XML or in URLs.
func hostileKeys() []string {
	return []string{
		"a", "a/b", "a//b", "a/", "dir/", "/x", "//", "./k", "../k", "../../../k", "..", "k/..", "k/.", "with space", "plus+plus", "per%20cent", "q?x=y&z",
		"hash#x", "ümlaut/日本語", `quote"'<&>`, `back\slash`, "tab\tnew\nline", strings.Repeat("l", 300), strings.Repeat("m/", 512), strings.Repeat("n", 1024), "object.object",
	}
}

// TestKeys: a key is any text; what is stored under it comes back under it alone, also after a restart.
func TestKeys(t *testing.T) {
	dir := t.TempDir()
	f := open(t, sandbox.Options{Dir: dir})
	bucket := aws.String("keys")
	for _, key := range hostileKeys() {
		must[*s3.PutObjectOutput](f)(f.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(key)}))
	}
	_, err := f.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String(strings.Repeat("n", 1025)), Body: strings.NewReader("")})
	f.refused(err, "KeyTooLongError")
	if closing := f.server.Close(); closing != nil {
		t.Fatal(closing)
	}
	f = start(t, sandbox.Options{Dir: dir})
	for _, key := range hostileKeys() {
		got := must[*s3.GetObjectOutput](f)(f.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: &key}))
		if b, _ := io.ReadAll(got.Body); string(b) != key {
			t.Errorf("%q holds %q", key, b)
		}
	}
	want := hostileKeys()
	slices.Sort(want)
	if got := f.pages(s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(5), EncodingType: s3types.EncodingTypeUrl}); len(got) != len(want) {
		t.Errorf("listed %q", got)
	}
	for i, key := range want {
		if i%2 == 0 {
			must[*s3.DeleteObjectOutput](f)(f.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: &key}))
			continue
		}
		must[*s3.HeadObjectOutput](f)(f.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: &key}))
	}
}

// pages are the keys and prefixes of all pages of a listing.
func (f *fixture) pages(in s3.ListObjectsV2Input) []string {
	f.Helper()
	var all []string
	pages := s3.NewListObjectsV2Paginator(f.s3, &in)
	for pages.HasMorePages() {
		page := must[*s3.ListObjectsV2Output](f)(pages.NextPage(f.Context()))
		if in.MaxKeys != nil && len(page.Contents)+len(page.CommonPrefixes) > int(*in.MaxKeys) {
			f.Errorf("a page of %d", len(page.Contents)+len(page.CommonPrefixes))
		}
		for _, o := range page.Contents {
			all = append(all, *o.Key)
		}
		for _, p := range page.CommonPrefixes {
			all = append(all, *p.Prefix)
		}
	}
	return all
}

func TestListings(t *testing.T) {
	f := start(t, sandbox.Options{})
	bucket := aws.String("lists")
	for _, key := range []string{"a/1", "a/2", "b", "c/1", "c/2", "c/3", "d"} {
		must[*s3.PutObjectOutput](f)(f.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader("x")}))
	}
	for _, size := range []int32{1, 2, 3, 1000} {
		for _, tt := range []struct {
			prefix, delimiter, after string
			want                     string
		}{
			{"", "", "", "a/1 a/2 b c/1 c/2 c/3 d"},
			{"", "/", "", "a/ b c/ d"},
			{"c/", "", "", "c/1 c/2 c/3"},
			{"c/", "/", "", "c/1 c/2 c/3"},
			{"", "", "a/2", "b c/1 c/2 c/3 d"},
			{"", "/", "b", "c/ d"},
			{"", "/", "a/", "b c/ d"},
			{"", "", "zz", ""},
			{"none", "/", "", ""},
		} {
			got := f.pages(s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: &size, Prefix: &tt.prefix, Delimiter: &tt.delimiter, StartAfter: &tt.after})
			slices.Sort(got)
			if strings.Join(got, " ") != tt.want {
				t.Errorf("prefix %q, delimiter %q, after %q, pages of %d: %q, want %q", tt.prefix, tt.delimiter, tt.after, size, got, tt.want)
			}
		}
	}
	old := must[*s3.ListObjectsOutput](f)(f.s3.ListObjects(t.Context(), &s3.ListObjectsInput{Bucket: bucket, Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)}))
	if !*old.IsTruncated || *old.NextMarker != "a/" {
		t.Errorf("version 1: %+v", old)
	}
}

// TestBuckets: a bucket that is not there is not there, and what a bucket has not answers for itself.
func TestBuckets(t *testing.T) {
	f := start(t, sandbox.Options{})
	none := aws.String("none")
	for range 2 {
		_, err := f.s3.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: none})
		f.refused(err, "NotFound")
		_, err = f.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: none})
		f.refused(err, "NoSuchBucket")
		_, err = f.s3.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: none})
		f.refused(err, "NoSuchBucket")
	}
	must[*s3.CreateBucketOutput](f)(f.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("made"), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: region}}))
	for sub, want := range map[string]struct {
		status int
		text   string
	}{
		"policy":             {404, "<Code>NoSuchBucketPolicy</Code>"},
		"tagging":            {404, "<Code>NoSuchTagSet</Code>"},
		"cors":               {404, "<Code>NoSuchCORSConfiguration</Code>"},
		"lifecycle":          {404, "<Code>NoSuchLifecycleConfiguration</Code>"},
		"website":            {404, "<Code>NoSuchWebsiteConfiguration</Code>"},
		"replication":        {404, "<Code>ReplicationConfigurationNotFoundError</Code>"},
		"object-lock":        {404, "<Code>ObjectLockConfigurationNotFoundError</Code>"},
		"versioning":         {200, "<VersioningConfiguration"},
		"location":           {200, ">eu-west-1</LocationConstraint>"},
		"encryption":         {200, "<SSEAlgorithm>AES256</SSEAlgorithm>"},
		"acl":                {200, "<Permission>FULL_CONTROL</Permission>"},
		"publicAccessBlock":  {200, "<BlockPublicPolicy>true</BlockPublicPolicy>"},
		"ownershipControls":  {200, "BucketOwnerEnforced"},
		"uploads":            {200, "<ListMultipartUploadsResult"},
		"versions":           {200, "<ListVersionsResult"},
		"none-of-this-exist": {501, "the sub-resource none-of-this-exist"},
	} {
		res, err := http.Get(f.url + "/made?" + sub)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != want.status || !strings.Contains(string(body), want.text) {
			t.Errorf("?%s: %d %s", sub, res.StatusCode, body)
		}
	}
	must[*s3.PutBucketPolicyOutput](f)(f.s3.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("made"), Policy: aws.String(`{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*"}]}`)}))
	if got := must[*s3.GetBucketPolicyOutput](f)(f.s3.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String("made")})); !strings.Contains(*got.Policy, "Deny") {
		t.Errorf("the policy is %s", *got.Policy)
	}
}

// TestObjects: ranges, conditions, copies and uploads in parts.
func TestObjects(t *testing.T) {
	f := start(t, sandbox.Options{})
	bucket, key := aws.String("objects"), aws.String("k")
	must[*s3.PutObjectOutput](f)(f.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("0123456789"), Metadata: map[string]string{"m": "n"}}))
	got := must[*s3.GetObjectOutput](f)(f.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key, Range: aws.String("bytes=2-4")}))
	if b, _ := io.ReadAll(got.Body); string(b) != "234" || *got.ContentRange != "bytes 2-4/10" || got.Metadata["m"] != "n" {
		t.Errorf("a range is %q of %s", b, *got.ContentRange)
	}
	_, err := f.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key, Range: aws.String("bytes=10-")})
	f.refused(err, "InvalidRange")
	_, err = f.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader(""), IfNoneMatch: aws.String("*")})
	f.refused(err, "PreconditionFailed")
	_, err = f.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader(""), IfMatch: aws.String(`"x"`)})
	f.refused(err, "PreconditionFailed")
	must[*s3.CopyObjectOutput](f)(f.s3.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy"), CopySource: aws.String("objects/k")}))

	up := must[*s3.CreateMultipartUploadOutput](f)(f.s3.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("parts")}))
	part := bytes.Repeat([]byte("p"), 5<<20)
	one := must[*s3.UploadPartOutput](f)(f.s3.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: up.Key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(part)}))
	two := must[*s3.UploadPartCopyOutput](f)(f.s3.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{
		Bucket: bucket, Key: up.Key, UploadId: up.UploadId, PartNumber: aws.Int32(2), CopySource: aws.String("objects/copy"), CopySourceRange: aws.String("bytes=0-1"),
	}))
	done := must[*s3.CompleteMultipartUploadOutput](f)(f.s3.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: bucket, Key: up.Key, UploadId: up.UploadId,
		MultipartUpload: &s3types.CompletedMultipartUpload{Parts: []s3types.CompletedPart{{PartNumber: aws.Int32(1), ETag: one.ETag}, {PartNumber: aws.Int32(2), ETag: two.CopyPartResult.ETag}}},
	}))
	if !strings.HasSuffix(*done.ETag, `-2"`) {
		t.Errorf("the ETag is %s", *done.ETag)
	}
	whole := must[*s3.GetObjectOutput](f)(f.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: up.Key}))
	if b, _ := io.ReadAll(whole.Body); !bytes.Equal(b, append(part, '0', '1')) {
		t.Errorf("%d bytes came back", len(b))
	}
	gone := must[*s3.DeleteObjectsOutput](f)(f.s3.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: bucket, Delete: &s3types.Delete{Objects: []s3types.ObjectIdentifier{{Key: key}, {Key: aws.String("none")}}}}))
	if len(gone.Deleted) != 2 || len(gone.Errors) != 0 {
		t.Errorf("deleted: %+v", gone)
	}
}
