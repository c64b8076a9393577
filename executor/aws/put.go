package aws

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/imagebuild-action/planner"
)

// put stores content. It is read twice and never held: once to learn its length and hash, once to
// be sent; S3 compares what arrives with the hash.
func (c *Clients) put(ctx context.Context, region string, in planner.Object, content planner.Content) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("s3:PutObject: writing the input: %w", err)
	}
	args, err := decode[s3.PutObjectInput](raw)
	if err != nil {
		return err
	}
	size, sum, err := measure(content)
	if err != nil {
		return fmt.Errorf("reading what is to be staged: %w", err)
	}
	_, err = c.carry(ctx, "s3:PutObject", region, func(ctx context.Context, s *services) (any, error) {
		body := &reopened{content: content, size: size}
		args.Body, args.ContentLength = body, sdk.Int64(size)
		args.ChecksumSHA256 = sdk.String(base64.StdEncoding.EncodeToString(sum))
		out, putErr := s.s3.PutObject(ctx, args)
		return out, errors.Join(putErr, body.Close())
	})
	return err
}

func measure(content planner.Content) (size int64, sum []byte, err error) {
	r, err := content.Open()
	if err != nil {
		return 0, nil, err
	}
	h := sha256.New()
	size, err = io.Copy(h, r)
	return size, h.Sum(nil), errors.Join(err, r.Close())
}

// reopened is content as the SDK wants it, with a way back to the start: it signs what it sends and
// so reads it first.
type reopened struct {
	content planner.Content
	size    int64
	at      int64
	open    io.ReadCloser // nil until the first read after a seek
}

func (r *reopened) Read(p []byte) (int, error) {
	if r.open == nil {
		f, err := r.content.Open()
		if err != nil {
			return 0, err
		}
		r.open = f
		if _, err = io.CopyN(io.Discard, f, r.at); err != nil {
			return 0, err
		}
	}
	n, err := r.open.Read(p)
	r.at += int64(n)
	return n, err
}

func (r *reopened) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seeking before the start")
	}
	if offset == r.at {
		return offset, nil
	}
	err := r.Close()
	r.at = offset
	return offset, err
}

func (r *reopened) Close() error {
	if r.open == nil {
		return nil
	}
	f := r.open
	r.open = nil
	return f.Close()
}
