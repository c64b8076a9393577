package aws

import (
	"context"
	"fmt"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/imagebuild-action/planner"
)

// A Bucket is a bucket, or what lies under a prefix in it.
type Bucket struct {
	clients      *Clients
	name, prefix string
}

// Bucket is the bucket of a name; keys are below prefix, "" for all of it.
func (c *Clients) Bucket(name, prefix string) *Bucket { return &Bucket{c, name, prefix} }

// maxBucketObject bounds what is read of one object.
const maxBucketObject = 64 << 20

// Put writes an object.
func (b *Bucket) Put(ctx context.Context, key string, content planner.Content) error {
	return b.clients.Store(ctx, planner.Object{"Bucket": b.name, "Key": path.Join(b.prefix, key)}, content)
}

// Get reads an object. Where there is none, the error's code is NoSuchKey.
func (b *Bucket) Get(ctx context.Context, key string) ([]byte, error) {
	return b.clients.Fetch(ctx, "s3://"+b.name+"/"+path.Join(b.prefix, key), "", maxBucketObject)
}

// Presign is a URL that reads an object for so long, whoever has it.
func (b *Bucket) Presign(ctx context.Context, key string, valid time.Duration) (string, error) {
	full := path.Join(b.prefix, key)
	var url string
	err := inBucketRegion(func(region string) error {
		// Signing asks nobody, so that where the bucket is has to be asked first.
		if _, err := b.clients.carry(ctx, "s3:HeadObject", region, func(ctx context.Context, s *services) (any, error) {
			return s.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &full})
		}); err != nil {
			return err
		}
		signed, err := s3.NewPresignClient(b.clients.in(region).s3).PresignGetObject(ctx,
			&s3.GetObjectInput{Bucket: &b.name, Key: &full}, s3.WithPresignExpires(valid))
		if err == nil {
			url = signed.URL
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("signing a URL for s3://%s/%s: %w", b.name, full, err)
	}
	return url, nil
}
