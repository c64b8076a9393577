package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/imagebuild-action/planner"
)

// Fetch reads one object by its s3:// address. owner is the account that must own the bucket, ""
// for any; an object larger than limit bytes is refused.
func (c *Clients) Fetch(ctx context.Context, address, owner string, limit int64) ([]byte, error) {
	bucket, key, ok := strings.Cut(strings.TrimPrefix(address, "s3://"), "/")
	if !ok || bucket == "" || key == "" {
		return nil, fmt.Errorf("%q is no address of an object such as s3://bucket/key", address)
	}
	in := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
	if owner != "" {
		in.ExpectedBucketOwner = &owner
	}
	var raw []byte
	err := inBucketRegion(func(region string) error {
		return persist(ctx, func() (err error) {
			raw, err = c.object(ctx, region, in, limit)
			return err
		})
	})
	return raw, err
}

// object reads one object once.
func (c *Clients) object(ctx context.Context, region string, in *s3.GetObjectInput, limit int64) ([]byte, error) {
	out, err := c.carry(ctx, "s3:GetObject", region, func(ctx context.Context, s *services) (any, error) {
		out, err := s.s3.GetObject(ctx, in)
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(io.LimitReader(out.Body, limit+1))
		return raw, errors.Join(err, out.Body.Close())
	})
	if err != nil {
		return nil, err
	}
	raw, _ := out.([]byte)
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("s3://%s/%s is larger than %d bytes", sdk.ToString(in.Bucket), sdk.ToString(in.Key), limit)
	}
	return raw, nil
}

// Store puts content to where the input says, in s3:PutObject's own words.
func (c *Clients) Store(ctx context.Context, in planner.Object, content planner.Content) error {
	return inBucketRegion(func(region string) error {
		return persist(ctx, func() error { return c.put(ctx, region, in, content) })
	})
}

// inBucketRegion calls f for the default region, and again for the bucket's own when S3 names it.
func inBucketRegion(f func(region string) error) error {
	err := f("")
	if moved, ok := errors.AsType[*CallError](err); ok && moved.Bucket != "" {
		return f(moved.Bucket)
	}
	return err
}
