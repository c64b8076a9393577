package sandbox

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// unwrap takes an upload out of the chunks with signatures or trailers that it came in.
func (c *s3Call) unwrap() error {
	r := c.r
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return nil
	}
	n, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || n < 0 {
		return s3Fail(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	}
	chunks := newChunked(r.Body)
	chunks.trailer = func(name, value string) { r.Header.Set(name, value) }
	r.Body = io.NopCloser(chunks)
	r.ContentLength = n
	if rest := strings.Trim(strings.Replace(r.Header.Get("Content-Encoding"), "aws-chunked", "", 1), ", "); rest != "" {
		r.Header.Set("Content-Encoding", rest)
	} else {
		r.Header.Del("Content-Encoding")
	}
	return nil
}

// errChunk is what a reader of a malformed chunked upload meets.
var errChunk = errors.New("malformed aws-chunked body")

// maxChunkLine bounds a chunk's header; signatures make up most of it.
const maxChunkLine = 4096

// A chunked reads the payload of an aws-chunked body: size in hex, extensions, data, until a size
// of zero; trailers follow. Signatures are not verified.
type chunked struct {
	r       *bufio.Reader
	left    int64
	err     error
	trailer func(name, value string) // nil drops them
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
		return c.end()
	}
	c.left = n
	return nil
}

// end reads the trailers.
func (c *chunked) end() error {
	rest := bufio.NewReader(io.LimitReader(c.r, maxBody))
	for {
		line, err := rest.ReadString('\n')
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && c.trailer != nil {
			c.trailer(name, strings.TrimSpace(value))
		}
		if err != nil {
			return err // io.EOF where all is well
		}
	}
}
