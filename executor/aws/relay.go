package aws

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/org/imagebuild-action/planner"
)

// Relay answers plain path-style S3 requests by making them with the credentials of connect's
// clients: fetching, listing (version 2) and storing objects, which is what component documents do.
// Whoever reaches it acts with those credentials, so it must be served to nobody else. connect is
// asked when the first request comes.
func Relay(connect func(context.Context) (*Clients, error)) http.Handler {
	return &relay{connect: connect, regions: map[string]string{}}
}

type relay struct {
	connect func(context.Context) (*Clients, error)
	mu      sync.Mutex
	regions map[string]string // of buckets that are not in the default one
}

// ServeHTTP implements http.Handler.
func (r *relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	clients, err := r.connect(req.Context())
	if err != nil {
		refuse(w, err)
		return
	}
	o := &relayed{clients: clients, bucket: bucket, key: key, owner: req.Header.Get("X-Amz-Expected-Bucket-Owner")}
	switch {
	case bucket == "":
		http.Error(w, "no bucket is named", http.StatusBadRequest)
	case req.Method == http.MethodGet && key == "":
		r.there(w, bucket, func(region string) error { return o.list(w, req, region) })
	case req.Method == http.MethodGet:
		r.there(w, bucket, func(region string) error { return o.fetch(w, req, region) })
	case req.Method == http.MethodPut && key != "":
		if err := o.store(req); err != nil {
			refuse(w, err)
		}
	default:
		http.Error(w, "only objects are fetched, listed and stored here", http.StatusMethodNotAllowed)
	}
}

// there calls f for the region the bucket is known to be in, and again when S3 names another.
func (r *relay) there(w http.ResponseWriter, bucket string, f func(region string) error) {
	r.mu.Lock()
	region := r.regions[bucket]
	r.mu.Unlock()
	err := f(region)
	if moved, ok := errors.AsType[*CallError](err); ok && moved.Bucket != "" && moved.Bucket != region {
		r.mu.Lock()
		r.regions[bucket] = moved.Bucket
		r.mu.Unlock()
		err = f(moved.Bucket)
	}
	if err != nil {
		refuse(w, err)
	}
}

// refuse answers with AWS's own status and code.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadGateway
	if known, ok := errors.AsType[*CallError](err); ok && known.Status >= http.StatusBadRequest {
		status = known.Status
	}
	http.Error(w, err.Error(), status)
}

// A relayed is one request on its way.
type relayed struct {
	clients            *Clients
	bucket, key, owner string
}

func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (o *relayed) fetch(w http.ResponseWriter, req *http.Request, region string) error {
	out, err := o.clients.carry(req.Context(), "s3:GetObject", region, func(ctx context.Context, s *services) (any, error) {
		return s.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &o.bucket, Key: &o.key, ExpectedBucketOwner: given(o.owner)})
	})
	if err != nil {
		return err
	}
	object, _ := out.(*s3.GetObjectOutput)
	defer object.Body.Close() //nolint:errcheck // it was only read
	if _, err := io.Copy(w, object.Body); err != nil {
		panic(http.ErrAbortHandler) // the way to tell that an answer that began is not whole
	}
	return nil
}

// A relayedListing is what ListObjectsV2 answers, as far as anybody here reads it.
type relayedListing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	Contents              []relayedKey
}

type relayedKey struct{ Key string }

func (o *relayed) list(w http.ResponseWriter, req *http.Request, region string) error {
	q := req.URL.Query()
	in := &s3.ListObjectsV2Input{
		Bucket: &o.bucket, Prefix: given(q.Get("prefix")), ContinuationToken: given(q.Get("continuation-token")), ExpectedBucketOwner: given(o.owner),
	}
	out, err := o.clients.carry(req.Context(), "s3:ListObjectsV2", region, func(ctx context.Context, s *services) (any, error) {
		return s.s3.ListObjectsV2(ctx, in)
	})
	if err != nil {
		return err
	}
	page, _ := out.(*s3.ListObjectsV2Output)
	answer := relayedListing{IsTruncated: sdk.ToBool(page.IsTruncated), NextContinuationToken: sdk.ToString(page.NextContinuationToken)}
	for _, c := range page.Contents {
		answer.Contents = append(answer.Contents, relayedKey{sdk.ToString(c.Key)})
	}
	w.Header().Set("Content-Type", "application/xml")
	return xml.NewEncoder(w).Encode(answer)
}

// store keeps the body in a file while it is sent on: it is read twice, for its hash and to be sent.
func (o *relayed) store(req *http.Request) (err error) {
	f, err := os.CreateTemp("", "imagebuild-upload-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = io.Copy(f, req.Body)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	in := planner.Object{"Bucket": o.bucket, "Key": o.key}
	if o.owner != "" {
		in["ExpectedBucketOwner"] = o.owner
	}
	return o.clients.Store(req.Context(), in, spooled(f.Name()))
}

// A spooled content is that of a file.
type spooled string

// Open implements planner.Content.
func (s spooled) Open() (io.ReadCloser, error) { return os.Open(string(s)) }
