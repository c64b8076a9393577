package sandbox

import (
	"context"
	"fmt"
	"strings"

	"github.com/org/imagebuild-action/internal/component"
)

// A resolver answers what the documents of a build refer to out of this sandbox: parameters, objects
// in S3, and components by the ARNs of their builds.
type resolver struct {
	b               *builder
	account, region string
}

var _ component.Resolver = resolver{}

// Parameter implements component.Resolver.
func (r resolver) Parameter(_ context.Context, name string) (value string, secret bool, err error) {
	r.b.db.Lock()
	defer r.b.db.Unlock()
	p, why := r.b.db.chosen(r.account, r.region, name)
	if p == nil {
		return "", false, fmt.Errorf("%s: %s", r.region, why)
	}
	return p.Value, p.Type == "SecureString", nil
}

// Document implements component.Resolver. All buckets here have one owner.
func (r resolver) Document(_ context.Context, address, _ string) (string, error) {
	if where, ok := strings.CutPrefix(address, "s3://"); ok {
		bucket, key, _ := strings.Cut(where, "/")
		b, err := r.b.objects.read(bucket, key, maxDocument+1)
		if err != nil {
			return "", fmt.Errorf("the object %s cannot be read: %w", address, err)
		}
		if len(b) > maxDocument {
			return "", fmt.Errorf("the object %s is larger than %d bytes", address, maxDocument)
		}
		return string(b), nil
	}
	r.b.db.Lock()
	defer r.b.db.Unlock()
	c := r.b.db.exact(address)
	if c == nil || text(c.Body, "data") == "" {
		return "", fmt.Errorf("there is no component %s", address)
	}
	return text(c.Body, "data"), nil
}
