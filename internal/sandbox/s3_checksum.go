package sandbox

import (
	"crypto/sha1" //nolint:gosec // G505: one of the checksums that S3 takes
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// crc64NVME is the polynomial of CRC-64/NVME, reversed as hash/crc64 has it.
var crc64NVME = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(0x9a6c9329ac4bc9b5) })

// checksums are the algorithms that an upload may be held to, by the name they have in headers.
func checksums() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{
		"CRC32":     func() hash.Hash { return crc32.NewIEEE() },
		"CRC32C":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
		"CRC64NVME": func() hash.Hash { return crc64.New(crc64NVME()) },
		"SHA1":      sha1.New,
		"SHA256":    sha256.New,
	}
}

// A checksum computes the sums that the headers of an upload name. A value may come behind the body, as a trailer.
type checksum struct{ sums map[string]hash.Hash }

func newChecksum(h http.Header) *checksum {
	c := &checksum{sums: map[string]hash.Hash{}}
	for name, algorithm := range checksums() {
		asked := strings.EqualFold(h.Get("X-Amz-Sdk-Checksum-Algorithm"), name) || strings.EqualFold(h.Get("X-Amz-Checksum-Algorithm"), name) ||
			strings.EqualFold(h.Get("X-Amz-Trailer"), "x-amz-checksum-"+name)
		if asked || h.Get("X-Amz-Checksum-"+name) != "" {
			c.sums[name] = algorithm()
		}
	}
	return c
}

// Write implements io.Writer.
func (c *checksum) Write(p []byte) (int, error) {
	for _, s := range c.sums {
		_, _ = s.Write(p) // a hash never fails
	}
	return len(p), nil
}

// result compares the sums with those given, and returns the one to keep.
func (c *checksum) result(h http.Header) (algorithm, sum string, err error) {
	for _, name := range sortedKeys(c.sums) {
		got := base64.StdEncoding.EncodeToString(c.sums[name].Sum(nil))
		if given := h.Get("X-Amz-Checksum-" + name); given != "" && given != got {
			return "", "", s3Fail(http.StatusBadRequest, "BadDigest", "The %s you specified did not match the calculated checksum.", name)
		}
		algorithm, sum = name, got
	}
	return algorithm, sum, nil
}

func parseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return n, err
}

// s3Sums are an object's checksums as documents show them.
type s3Sums struct {
	ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256, ChecksumType string `xml:",omitempty"`
}

// sums is nil for an object without a checksum.
func (o *s3Object) sums() *s3Sums {
	if o.Checksum == "" {
		return nil
	}
	s := &s3Sums{ChecksumType: o.checksumType()}
	switch o.Algorithm {
	case "CRC32":
		s.ChecksumCRC32 = o.Checksum
	case "CRC32C":
		s.ChecksumCRC32C = o.Checksum
	case "CRC64NVME":
		s.ChecksumCRC64NVME = o.Checksum
	case "SHA1":
		s.ChecksumSHA1 = o.Checksum
	case "SHA256":
		s.ChecksumSHA256 = o.Checksum
	}
	return s
}
