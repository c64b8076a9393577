package component_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/org/imagebuild-action/internal/component"
)

// steps is a document of one phase whose steps are given as flow mappings.
func steps(flow ...string) component.JobDocument {
	return component.JobDocument{Name: "doc.yml", Source: "schemaVersion: 1.0\nphases:\n- name: build\n  steps:\n  - " + strings.Join(flow, "\n  - ") + "\n"}
}

func TestWebDownload(t *testing.T) {
	var mu sync.Mutex
	hits := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		hits[r.URL.Path]++
		switch {
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "/a.txt", http.StatusFound)
		case r.URL.Path == "/flaky" && hits["/flaky"] < 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			fmt.Fprint(w, "hello")
		}
	}))
	defer server.Close()
	dir := t.TempDir()
	writeFile(t, dir+"/there", "hello")
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	const sum = "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824"
	o := runJob(t, root, component.Job{WorkingDirectory: dir, Documents: []component.JobDocument{steps(
		"{name: many, action: WebDownload, inputs: [{source: '"+server.URL+"/a.txt', destination: "+dir+"/new/}, {source: '"+server.URL+"/moved', destination: rel, checksum: "+sum+", algorithm: sha256}]}",
		"{name: flaky, action: WebDownload, inputs: [{source: '"+server.URL+"/flaky', destination: "+dir+"/flaky}]}",
		"{name: there, action: WebDownload, inputs: [{source: '"+server.URL+"/skipped', destination: "+dir+"/there, checksum: "+sum+", algorithm: SHA256}]}",
		"{name: exists, action: WebDownload, onFailure: Ignore, inputs: [{source: '"+server.URL+"/skipped', destination: "+dir+"/there, overwrite: false}]}",
		"{name: wrong, action: WebDownload, onFailure: Ignore, inputs: [{source: '"+server.URL+"/a.txt', destination: "+dir+"/wrong, checksum: 00, algorithm: MD5}]}",
		"{name: nameless, action: WebDownload, onFailure: Ignore, inputs: [{source: '"+server.URL+"', destination: "+dir+"/}]}",
	)}})
	var got []string
	for _, s := range o.Steps {
		got = append(got, s.Name+" "+string(s.Status))
	}
	if want := []string{"many success", "flaky success", "there success", "exists ignoredFailure", "wrong ignoredFailure", "nameless ignoredFailure"}; !slices.Equal(got, want) {
		t.Fatal(summary(o.Result))
	}
	if d := o.Steps[0].Outputs; len(d) != 1 || d[0]["destination"] != dir+"/new/a.txt\n"+dir+"/rel" {
		t.Errorf("the output is %q", d)
	}
	for _, f := range []string{"/new/a.txt", "/rel", "/flaky"} {
		if raw, err := os.ReadFile(dir + f); string(raw) != "hello" {
			t.Errorf("%s holds %q (%v)", f, raw, err)
		}
	}
	if _, err := os.Stat(dir + "/wrong"); err == nil {
		t.Error("a file with a wrong checksum was left")
	}
	if hits["/flaky"] != 2 || hits["/skipped"] != 0 {
		t.Errorf("the server was asked %v", hits)
	}
}

// bucketServer is an S3 of one bucket as far as plain GET, PUT and ListObjectsV2 go, two keys a page.
func bucketServer(t *testing.T, objects map[string]string) string {
	t.Helper()
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		key, ok := strings.CutPrefix(r.URL.Path, "/bkt/")
		switch {
		case r.Header.Get("Authorization") != "":
			w.WriteHeader(http.StatusBadRequest)
		case r.Method == http.MethodPut:
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			objects[key] = string(body)
		case r.URL.Query().Get("list-type") == "2":
			listPage(w, r, objects)
		case !ok:
			w.WriteHeader(http.StatusForbidden)
		default:
			body, there := objects[key]
			if !there {
				w.WriteHeader(http.StatusNotFound)
			}
			fmt.Fprint(w, body)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func listPage(w io.Writer, r *http.Request, objects map[string]string) {
	var keys []string
	for k := range objects {
		if strings.HasPrefix(k, r.URL.Query().Get("prefix")) && k > r.URL.Query().Get("continuation-token") {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	fmt.Fprint(w, `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	for _, k := range keys[:min(2, len(keys))] {
		fmt.Fprintf(w, "<Contents><Key>%s</Key></Contents>", k)
	}
	if len(keys) > 2 {
		fmt.Fprintf(w, "<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>", keys[1])
	}
	fmt.Fprint(w, `</ListBucketResult>`)
}

func TestS3(t *testing.T) {
	dir := t.TempDir()
	objects := map[string]string{
		"site/a b.txt": "a", "site/sub/c": "c", "site/d": "d", "site/": "", "one": "1",
		"evil/../../../out": "x",
	}
	job := component.Job{WorkingDirectory: dir, S3Endpoint: bucketServer(t, objects) + "/"}
	job.Documents = []component.JobDocument{steps(
		"{name: one, action: S3Download, inputs: [{source: 's3://bkt/one', destination: "+dir+"/one}, {source: 's3://bkt/one', destination: "+dir+"/}]}",
		"{name: folder, action: CreateFolder, inputs: [{path: "+dir+"/to}]}",
		"{name: all, action: S3Download, inputs: [{source: 's3://bkt/site/*', destination: "+dir+"/to, expectedBucketOwner: 123456789012}]}",
		"{name: keep, action: S3Download, onFailure: Ignore, inputs: [{source: 's3://bkt/one', destination: "+dir+"/one, overwrite: false}]}",
		"{name: missing, action: S3Download, onFailure: Ignore, inputs: [{source: 's3://bkt/none', destination: "+dir+"/none}]}",
		"{name: nofolder, action: S3Download, onFailure: Ignore, inputs: [{source: 's3://bkt/site/*', destination: "+dir+"/not/there}]}",
		"{name: evil, action: S3Download, onFailure: Ignore, inputs: [{source: 's3://bkt/evil/*', destination: "+dir+"/to}]}",
		"{name: nothing, action: S3Download, onFailure: Ignore, inputs: [{source: 's3://bkt/nothing/*', destination: "+dir+"/to}]}",
		"{name: put, action: S3Upload, inputs: [{source: "+dir+"/one, destination: 's3://bkt/up/renamed'}, {source: '"+dir+"/o*', destination: 's3://bkt/up/'}, {source: "+dir+"/to, destination: 's3://bkt/tree', recurse: true}]}",
		"{name: norecurse, action: S3Upload, onFailure: Ignore, inputs: [{source: "+dir+"/to, destination: 's3://bkt/tree2'}]}",
	)}
	o := runJob(t, openRoot(t, component.RootSpec{Kind: component.RootHost}), job)
	if o.Status != component.SuccessWithIgnoredFailure || o.IgnoredFailed != 6 {
		t.Fatal(summary(o.Result))
	}
	for file, want := range map[string]string{"/one": "1", "/to/a b.txt": "a", "/to/sub/c": "c", "/to/d": "d"} {
		if raw, err := os.ReadFile(dir + file); string(raw) != want {
			t.Errorf("%s holds %q (%v)", file, raw, err)
		}
	}
	for key, want := range map[string]string{"up/renamed": "1", "up/one": "1", "tree/sub/c": "c", "tree/a b.txt": "a"} {
		if objects[key] != want {
			t.Errorf("%s holds %q, want %q", key, objects[key], want)
		}
	}
	if m := o.Steps[3].Message; !strings.HasPrefix(m, "S3Download: File already exists") {
		t.Errorf("the refusal to overwrite says %q", m)
	}
	if _, err := os.Stat(dir + "/../out"); err == nil {
		t.Error("a key wrote outside of the destination")
	}
}

// TestExpectedBucketOwner holds that S3 is told who must own the bucket, in both directions.
func TestExpectedBucketOwner(t *testing.T) {
	root := openRoot(t, component.RootSpec{Kind: component.RootHost})
	var mu sync.Mutex
	var owners []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		owners = append(owners, r.Method+" "+r.Header.Get("X-Amz-Expected-Bucket-Owner"))
	}))
	defer server.Close()
	dir := t.TempDir()
	runJob(t, root, component.Job{WorkingDirectory: dir, S3Endpoint: server.URL, Documents: []component.JobDocument{{Name: "doc.yml", Source: `
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Get, action: S3Download, inputs: [{source: 's3://bkt/key', destination: file, expectedBucketOwner: '111122223333'}]}
      - {name: Put, action: S3Upload, inputs: [{source: file, destination: 's3://bkt/key', expectedBucketOwner: '444455556666'}]}
`}}})
	if want := []string{"GET 111122223333", "PUT 444455556666"}; !slices.Equal(owners, want) {
		t.Errorf("S3 was told %q", owners)
	}
}
