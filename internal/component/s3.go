package component

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxObjects is the most that S3Download fetches for one wildcard (user guide, "S3Download").
const maxObjects = 1000

// A bucket speaks to one S3 bucket with plain unsigned path-style requests: what the sandbox
// understands, and any server on a private address that asks for no signature.
type bucket struct {
	client *http.Client
	base   string // http://host:port/bucket
}

// An ownedBucket adds to every request whose bucket it must be.
type ownedBucket struct {
	*http.Transport

	owner string
}

// RoundTrip implements http.RoundTripper.
func (o ownedBucket) RoundTrip(r *http.Request) (*http.Response, error) {
	if o.owner != "" {
		r = r.Clone(r.Context())
		r.Header.Set("X-Amz-Expected-Bucket-Owner", o.owner)
	}
	return o.Transport.RoundTrip(r)
}

// bucketOf takes an s3:// address apart. owner is the account that must own the bucket, "" for any.
func (s *stepRun) bucketOf(address, owner string) (b *bucket, key string, err error) {
	rest, ok := strings.CutPrefix(address, "s3://")
	name, key, _ := strings.Cut(rest, "/")
	if !ok || name == "" {
		return nil, "", fmt.Errorf("%q is no S3 address such as s3://bucket/key", address)
	}
	if s.job.S3Endpoint == "" {
		return nil, "", fmt.Errorf("there is no S3 to reach for %s: this run was given no endpoint and no credentials", address)
	}
	return &bucket{client: &http.Client{Transport: ownedBucket{&http.Transport{}, owner}}, base: strings.TrimSuffix(s.job.S3Endpoint, "/") + "/" + url.PathEscape(name)}, key, nil
}

func (b *bucket) object(key string) string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return b.base + "/" + strings.Join(parts, "/")
}

// s3Download fetches an object, or all below a prefix. It makes no destination folders but those
// below the one given: AWSTOE does not either.
func s3Download(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	source, destination := in.text("source"), s.path(in.text("destination"))
	b, key, err := s.bucketOf(source, in.text("expectedBucketOwner"))
	if err != nil {
		return nil, err
	}
	defer b.client.CloseIdleConnections()
	overwrite := in.flag("overwrite", true)
	prefix, many := strings.CutSuffix(key, "*")
	if !many {
		if endsWithSeparator(destination) {
			destination = filepath.Join(destination, path.Base(key))
		}
		return nil, s.fetchObject(ctx, b, object{key, destination, overwrite})
	}
	keys, err := b.list(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", source, err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("there is nothing below %s", source)
	}
	if info, err := os.Stat(destination); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("the destination folder %s does not exist", destination)
	}
	folder := prefix[:strings.LastIndex(prefix, "/")+1]
	for _, k := range keys {
		rel := filepath.FromSlash(strings.TrimPrefix(k, folder))
		if !filepath.IsLocal(rel) {
			return nil, fmt.Errorf("the key %q would lie outside of the destination folder", k)
		}
		to := filepath.Join(destination, rel)
		if err := makeParents(to); err != nil {
			return nil, err
		}
		if err := s.fetchObject(ctx, b, object{k, to, overwrite}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// objectText is the content of one object.
func (s *stepRun) objectText(ctx context.Context, address, owner string) (string, error) {
	b, key, err := s.bucketOf(address, owner)
	if err != nil {
		return "", err
	}
	defer b.client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.object(key), http.NoBody)
	if err != nil {
		return "", fmt.Errorf("asking for %s: %w", address, err)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("asking for %s: %w", address, err)
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("asking for %s: %w", address, &statusError{res.StatusCode, "the server answered " + res.Status})
	}
	return boundedText(res.Body, address)
}

type object struct {
	key, file string
	overwrite bool
}

func (s *stepRun) fetchObject(ctx context.Context, b *bucket, o object) error {
	if !o.overwrite && mayWrite(o.file, false) != nil {
		return errors.New(`S3Download: File already exists and "overwrite" property for "destination" file is set to false. Cannot download.`) //nolint:revive,staticcheck // AWSTOE's own text
	}
	if err := s.fetchObjectPatiently(ctx, b, o); err != nil {
		return fmt.Errorf("downloading %s: %w", o.key, err)
	}
	s.say("S3Download: downloaded " + o.key + " to " + o.file)
	return nil
}

// fetchObjectPatiently tries again only where another answer can be expected.
func (s *stepRun) fetchObjectPatiently(ctx context.Context, b *bucket, o object) error {
	err := get(ctx, b.client, b.object(o.key), o.file)
	if status, ok := errors.AsType[*statusError](err); ok && status.code >= 500 {
		return s.fetchPatiently(ctx, b.client, b.object(o.key), o.file)
	}
	return err
}

// listing is what ListObjectsV2 answers (S3 API reference).
type listing struct {
	IsTruncated           bool
	NextContinuationToken string
	Contents              []struct{ Key string }
}

// list names the objects below a prefix, without the empty ones that stand for folders.
func (b *bucket) list(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	token := ""
	for {
		page, err := b.page(ctx, prefix, token)
		if err != nil {
			return nil, err
		}
		for _, c := range page.Contents {
			if !strings.HasSuffix(c.Key, "/") {
				keys = append(keys, c.Key)
			}
		}
		if len(keys) > maxObjects {
			return nil, fmt.Errorf("more than %d objects match", maxObjects)
		}
		if !page.IsTruncated || page.NextContinuationToken == "" || page.NextContinuationToken == token {
			return keys, nil
		}
		token = page.NextContinuationToken
	}
}

func (b *bucket) page(ctx context.Context, prefix, token string) (*listing, error) {
	q := url.Values{"list-type": {"2"}, "prefix": {prefix}}
	if token != "" {
		q.Set("continuation-token", token)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+"?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	if resp.StatusCode != http.StatusOK {
		return nil, &statusError{resp.StatusCode, "the server answered " + resp.Status}
	}
	var page listing
	if err := xml.NewDecoder(http.MaxBytesReader(nil, resp.Body, 16<<20)).Decode(&page); err != nil {
		return nil, err
	}
	return &page, nil
}

// s3Upload stores a file, all files that a wildcard matches, or with recurse a folder.
func s3Upload(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	source := s.path(in.text("source"))
	b, key, err := s.bucketOf(in.text("destination"), in.text("expectedBucketOwner"))
	if err != nil {
		return nil, err
	}
	defer b.client.CloseIdleConnections()
	names, err := matches(source)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("the source %s does not exist", source)
	}
	u := uploader{s, b, in.flag("recurse", false)}
	for _, name := range names {
		to := strings.TrimSuffix(key, "*")
		if isPattern(source) || to == "" || strings.HasSuffix(to, "/") {
			to = path.Join(to, filepath.Base(name))
		}
		if err := u.put(ctx, name, to); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

type uploader struct {
	*stepRun
	bucket  *bucket
	recurse bool
}

func (u *uploader) put(ctx context.Context, name, key string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return u.file(ctx, name, key)
	}
	if !u.recurse {
		return fmt.Errorf("the source %s is a folder; set recurse to true to upload it", name)
	}
	return filepath.WalkDir(name, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(name, p)
		if err != nil {
			return err
		}
		return u.file(ctx, p, path.Join(key, filepath.ToSlash(rel)))
	})
}

func (u *uploader) file(ctx context.Context, name, key string) error {
	if err := regular(name); err != nil {
		return err
	}
	f, err := os.Open(name) //nolint:gosec // the document names the files it works on
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, u.bucket.object(key), f)
	if err != nil {
		return err
	}
	req.ContentLength = info.Size()
	if req.ContentLength == 0 {
		req.Body = http.NoBody
	}
	resp, err := u.bucket.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	if resp.StatusCode != http.StatusOK {
		return &statusError{resp.StatusCode, "the server answered " + resp.Status + " for " + key}
	}
	u.say("S3Upload: uploaded " + name + " to " + key)
	return nil
}
