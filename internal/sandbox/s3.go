package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3afero"
	"github.com/spf13/afero"
)

// An objectStore is S3 on a directory. Buckets come to be when they are first used.
type objectStore struct {
	backend gofakes3.Backend
	handler http.Handler
}

// s3Log passes on only what went wrong.
type s3Log func(string)

// Print implements gofakes3.Logger.
func (l s3Log) Print(level gofakes3.LogLevel, v ...any) {
	if level == gofakes3.LogErr {
		l("s3: " + strings.TrimSpace(fmt.Sprintln(v...)))
	}
}

func openObjects(dir string, log func(string)) (*objectStore, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	backend, err := s3afero.MultiBucket(afero.NewBasePathFs(afero.NewOsFs(), dir))
	if err != nil {
		return nil, fmt.Errorf("open the object store: %w", err)
	}
	s3 := gofakes3.New(backend, gofakes3.WithAutoBucket(true), gofakes3.WithTimeSkewLimit(0), gofakes3.WithLogger(s3Log(log)))
	return &objectStore{backend: backend, handler: s3.Server()}, nil
}

// read returns up to limit bytes of an object.
func (o *objectStore) read(bucket, key string, limit int64) ([]byte, error) {
	obj, err := o.backend.GetObject(bucket, key, nil)
	if err != nil {
		return nil, err
	}
	defer obj.Contents.Close() //nolint:errcheck // opened for reading
	return io.ReadAll(io.LimitReader(obj.Contents, limit))
}

// write stores an object, making its bucket where there is none.
func (o *objectStore) write(bucket, key string, body []byte) error {
	err := o.backend.CreateBucket(bucket)
	if err != nil && !gofakes3.HasErrorCode(err, gofakes3.ErrBucketAlreadyExists) {
		return err
	}
	_, err = o.backend.PutObject(bucket, key, map[string]string{"Content-Type": "text/plain"}, bytes.NewReader(body), int64(len(body)), nil)
	return err
}

// serveS3 counts the call and unwraps an upload that comes in chunks with signatures or trailers.
func (s *Server) serveS3(w http.ResponseWriter, r *http.Request) {
	if err := s.fault("s3:" + s3Operation(r)); err != nil {
		f := asFailure(err)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(max(f.Status, http.StatusBadRequest))
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", xmlText(f.Code), xmlText(f.Message))
		return
	}
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		size := r.Header.Get("X-Amz-Decoded-Content-Length")
		n, err := strconv.ParseInt(size, 10, 64)
		if err != nil || n < 0 {
			http.Error(w, "<Error><Code>MissingContentLength</Code></Error>", http.StatusLengthRequired)
			return
		}
		r.Body = io.NopCloser(newChunked(r.Body))
		r.ContentLength = n
		r.Header.Set("Content-Length", size)
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		r.Header.Del("X-Amz-Trailer")
		if rest := strings.Trim(strings.Replace(r.Header.Get("Content-Encoding"), "aws-chunked", "", 1), ", "); rest != "" {
			r.Header.Set("Content-Encoding", rest)
		} else {
			r.Header.Del("Content-Encoding")
		}
	}
	s.objects.handler.ServeHTTP(w, r)
}

// s3Operation names the commonest operations, for counting and faults.
func s3Operation(r *http.Request) string {
	bucket, key, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	verb := map[string]string{http.MethodGet: "Get", http.MethodHead: "Head", http.MethodPut: "Put", http.MethodDelete: "Delete", http.MethodPost: "Post"}[r.Method]
	switch {
	case bucket == "":
		return "ListBuckets"
	case key != "":
		return verb + "Object"
	case r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "2":
		return "ListObjectsV2"
	}
	return verb + "Bucket"
}

// errChunk is what a reader of a malformed chunked upload meets.
var errChunk = errors.New("malformed aws-chunked body")

// maxChunkLine bounds a chunk's header; signatures make up most of it.
const maxChunkLine = 4096

// A chunked reads the payload of an aws-chunked body: size in hex, extensions, data, until a size
// of zero; trailers follow and are dropped. Signatures are not verified.
type chunked struct {
	r    *bufio.Reader
	left int64
	err  error
}

func newChunked(r io.Reader) *chunked {
	return &chunked{r: bufio.NewReaderSize(r, maxChunkLine), left: -1}
}

// Read implements io.Reader.
func (c *chunked) Read(p []byte) (int, error) {
	for c.err == nil && c.left <= 0 {
		c.err = c.next()
	}
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	c.err = err
	return n, nil
}

// next reads a chunk's header, after the end of the chunk before.
func (c *chunked) next() error {
	if c.left == 0 {
		if end, err := c.r.Peek(2); err != nil || string(end) != "\r\n" {
			return errChunk
		}
		if _, err := c.r.Discard(2); err != nil {
			return err
		}
	}
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return errChunk
	}
	size, _, _ := strings.Cut(strings.TrimSpace(string(line)), ";")
	n, err := strconv.ParseInt(size, 16, 64)
	if err != nil || n < 0 {
		return errChunk
	}
	if n == 0 {
		_, err := io.Copy(io.Discard, io.LimitReader(c.r, maxBody))
		if err != nil {
			return err
		}
		return io.EOF
	}
	c.left = n
	return nil
}
