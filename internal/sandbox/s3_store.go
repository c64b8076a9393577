package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// An objectStore is S3's buckets on a directory. A key never becomes a path: each object is one file, named by the
// key's hash, that begins with a line of JSON about it. So files come whole, by a rename, or not at all.
type objectStore struct {
	dir string
	now func() time.Time

	mu  sync.Mutex
	all map[string]*s3Bucket
}

// An s3Bucket is one bucket. What is exported is kept in bucket.json.
type s3Bucket struct {
	Name, Region, Owner string
	Created             time.Time
	Settings            map[string]string // documents of sub-resources, by the sub-resource's name

	dir     string
	objects map[string]*s3Object
	keys    []string // of objects, sorted by their bytes
	uploads map[string]*s3Upload
}

// An s3Object is what is known of an object: the line before its bytes.
type s3Object struct {
	Key, ETag string
	Size      int64
	Modified  time.Time
	Headers   map[string]string `json:",omitempty"` // those given with it that come back with it
	Meta      map[string]string `json:",omitempty"`
	Tags      []s3Tag           `json:",omitempty"`
	Checksum  string            `json:",omitempty"` // in base64, of the algorithm
	Algorithm string            `json:",omitempty"` // CRC32, SHA256 …
	Parts     []int64           `json:",omitempty"` // the sizes of the parts it was uploaded in

	path  string
	start int64 // where its bytes begin in the file
}

type s3Tag struct{ Key, Value string }

func openObjects(dir string, now func() time.Time) (*objectStore, error) {
	o := &objectStore{dir: dir, now: now, all: map[string]*s3Bucket{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "bucket.json"))
	for _, f := range files {
		err = errors.Join(err, o.load(filepath.Dir(f)))
	}
	if err != nil {
		return nil, fmt.Errorf("open the object store: %w", err)
	}
	return o, nil
}

// load reads a bucket. Uploads in parts that were under way are kept, half-written files are removed.
func (o *objectStore) load(dir string) error {
	b := &s3Bucket{dir: dir, objects: map[string]*s3Object{}, uploads: map[string]*s3Upload{}}
	raw, err := os.ReadFile(filepath.Join(dir, "bucket.json")) //nolint:gosec // G304: found by listing the server's own directory
	if err == nil {
		err = json.Unmarshal(raw, b)
	}
	if err != nil {
		return err
	}
	files, err := os.ReadDir(dir)
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		switch filepath.Ext(f.Name()) {
		case ".object":
			obj, oerr := openObject(path)
			if oerr != nil {
				return oerr
			}
			b.objects[obj.Key] = obj
		case ".upload":
			err = errors.Join(err, b.loadUpload(path))
		case ".part", ".json":
		default:
			err = errors.Join(err, os.Remove(path))
		}
	}
	b.keys = slices.Sorted(maps.Keys(b.objects))
	o.all[b.Name] = b
	return err
}

// openObject reads the line before an object's bytes.
func openObject(path string) (*s3Object, error) {
	f, err := os.Open(path) //nolint:gosec // G304: below the server's own directory
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	d := json.NewDecoder(f)
	obj := &s3Object{path: path}
	if err := d.Decode(obj); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	obj.start = d.InputOffset() + 1 // behind the end of the line
	return obj, nil
}

func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// buckets are the names of all buckets.
func (o *objectStore) buckets() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Sorted(maps.Keys(o.all))
}

// bucket finds a bucket. The caller holds the lock.
func (o *objectStore) bucket(name string) (*s3Bucket, error) {
	if b := o.all[name]; b != nil {
		return b, nil
	}
	return nil, noBucket()
}

// ensure finds a bucket, or makes it: an upload has to work without somebody having made its bucket. The caller holds
// the lock.
func (o *objectStore) ensure(name, region, owner string) (*s3Bucket, error) {
	if b := o.all[name]; b != nil {
		return b, nil
	}
	if !bucketName().MatchString(name) {
		return nil, s3Fail(400, "InvalidBucketName", "The specified bucket is not valid.")
	}
	b := &s3Bucket{
		Name: name, Region: region, Owner: owner, Created: o.now(), Settings: newSettings(), dir: filepath.Join(o.dir, hashed(name)[:24]),
		objects: map[string]*s3Object{}, uploads: map[string]*s3Upload{},
	}
	err := os.MkdirAll(b.dir, 0o700)
	if err == nil {
		err = b.save()
	}
	if err != nil {
		return nil, err
	}
	o.all[name] = b
	return b, nil
}

// save writes what is known of the bucket itself.
func (b *s3Bucket) save() error {
	raw, err := json.Marshal(b)
	if err != nil {
		return err
	}
	next := filepath.Join(b.dir, "bucket.json.new")
	if err = os.WriteFile(next, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(b.dir, "bucket.json"))
}

// drop forgets an empty bucket. The caller holds the lock.
func (o *objectStore) drop(b *s3Bucket) error {
	delete(o.all, b.Name)
	return os.RemoveAll(b.dir)
}

// temporary makes a file that becomes an object or a part by a rename.
func (o *objectStore) temporary(b *s3Bucket) (*os.File, error) {
	f, err := os.CreateTemp(b.dir, "*.new")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noBucket() // deleted meanwhile
	}
	return f, err
}

// keep makes a file of bytes an object of the bucket, in place of one that has its key. The caller holds the lock.
func (o *objectStore) keep(b *s3Bucket, obj *s3Object, bytesOf io.Reader) error {
	obj.Modified = o.now()
	return o.rewrite(b, obj, bytesOf)
}

// rewrite is keep without another time of change.
func (o *objectStore) rewrite(b *s3Bucket, obj *s3Object, bytesOf io.Reader) error {
	if o.all[b.Name] != b {
		return noBucket()
	}
	f, err := o.temporary(b)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // renamed where all went well
	line, err := json.Marshal(obj)
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	if err == nil {
		_, err = io.Copy(f, bytesOf)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	obj.path, obj.start = filepath.Join(b.dir, hashed(obj.Key)+".object"), int64(len(line)+1)
	if err = os.Rename(f.Name(), obj.path); err != nil {
		return err
	}
	if at, found := slices.BinarySearch(b.keys, obj.Key); !found {
		b.keys = slices.Insert(b.keys, at, obj.Key)
	}
	b.objects[obj.Key] = obj
	return nil
}

// forget deletes an object. The caller holds the lock.
func (b *s3Bucket) forget(key string) error {
	obj := b.objects[key]
	if obj == nil {
		return nil
	}
	delete(b.objects, key)
	if at, found := slices.BinarySearch(b.keys, key); found {
		b.keys = slices.Delete(b.keys, at, at+1)
	}
	return os.Remove(obj.path)
}

// open returns an object and its bytes from an offset on. They stay those of this object when it is replaced.
func (o *objectStore) open(bucket, key string) (*s3Object, *os.File, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b, err := o.bucket(bucket)
	if err != nil {
		return nil, nil, err
	}
	obj := b.objects[key]
	if obj == nil {
		return nil, nil, noKey()
	}
	f, err := os.Open(obj.path)
	return obj, f, err
}

// read returns up to limit bytes of an object.
func (o *objectStore) read(bucket, key string, limit int64) ([]byte, error) {
	obj, f, err := o.open(bucket, key)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	return io.ReadAll(io.NewSectionReader(f, obj.start, min(limit, obj.Size)))
}

// write stores an object of plain text, making its bucket where there is none.
func (o *objectStore) write(bucket, key string, body []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	b, err := o.ensure(bucket, "", "")
	if err != nil {
		return err
	}
	return o.keep(b, &s3Object{
		Key: key, ETag: etag(body), Size: int64(len(body)), Headers: map[string]string{"Content-Type": "text/plain"},
	}, bytes.NewReader(body))
}
