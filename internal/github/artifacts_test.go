package github_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/org/imagebuild-action/internal/github"
	"github.com/org/imagebuild-action/internal/githubtest"
)

func artifacts(t *testing.T, s *githubtest.Server, j githubtest.Job) (a *github.Artifacts, c *github.Client, masked *[]string) {
	t.Helper()
	vars, env := job(t, s, j)
	getenv := func(k string) string { return vars[k] }
	c, err := github.NewClient(env, github.ClientOptions{Token: githubtest.TokenWrite, Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	masked = new([]string)
	return github.NewArtifacts(env, getenv, s, func(m string) bool {
		*masked = append(*masked, m)
		return true
	}), c, masked
}

func TestArtifactsUpAndDown(t *testing.T) {
	s := fake(t, githubtest.Options{})
	s.Fail(githubtest.Fault{Method: "PUT", Path: "/_blob/", Times: 1, Status: 503})
	a, c, masked := artifacts(t, s, githubtest.Job{RunID: 5})
	log := filepath.Join(t.TempDir(), "web.log")
	if err := os.WriteFile(log, []byte("line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := a.Upload(t.Context(), "imagebuild-1", []github.ArtifactFile{{Name: "logs/web.log", Path: log}, {Name: "report.json", Content: []byte("{}")}})
	if err != nil {
		t.Fatal(err)
	}
	if made.URL != s.URL()+"/o/r/actions/runs/5/artifacts/"+lastPart(made.URL) || len(*masked) != 1 || len((*masked)[0]) < 20 {
		t.Errorf("%+v, masked %q", made, *masked)
	}
	if _, err = a.Upload(t.Context(), "imagebuild-1", nil); err == nil || !strings.Contains(err.Error(), "status 409") {
		t.Error(err)
	}
	listed, err := c.RunArtifacts(t.Context(), 5)
	if err != nil || len(listed) != 1 || listed[0].ID != made.ID || listed[0].Digest != made.Digest || listed[0].Foreign {
		t.Fatalf("%+v %v", listed, err)
	}
	dir := t.TempDir()
	names, err := c.DownloadArtifact(t.Context(), listed[0], dir)
	if err != nil || !slices.Equal(names, []string{"logs/web.log", "report.json"}) {
		t.Fatalf("%q %v", names, err)
	}
	if got, rerr := os.ReadFile(filepath.Join(dir, "logs", "web.log")); rerr != nil || string(got) != "line\n" {
		t.Errorf("%q %v", got, err)
	}
	listed[0].Digest = "sha256:0"
	if _, err = c.DownloadArtifact(t.Context(), listed[0], t.TempDir()); err == nil || !strings.Contains(err.Error(), "its digest differs") {
		t.Error(err)
	}
}

func lastPart(s string) string { return s[strings.LastIndex(s, "/")+1:] }

func TestNamesOfArtifacts(t *testing.T) {
	a, _, _ := artifacts(t, fake(t, githubtest.Options{}), githubtest.Job{})
	for _, name := range []string{"", `a"b`, "a/b", "a:b", "a\nb", "a\x1bb", strings.Repeat("x", 256)} {
		if _, err := a.Upload(t.Context(), name, nil); err == nil || !strings.Contains(err.Error(), "cannot be the name of an artifact") {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"../a", "/a", `a\b`, ""} {
		if _, err := a.Upload(t.Context(), "x", []github.ArtifactFile{{Name: name}}); err == nil {
			t.Errorf("the file %q is taken", name)
		}
	}
}

func TestRunnersWithoutArtifacts(t *testing.T) {
	for name, s := range map[string]*githubtest.Server{"no runtime": fake(t, githubtest.Options{}), "no service": fake(t, githubtest.Options{WithoutArtifacts: true})} {
		a, _, _ := artifacts(t, s, githubtest.Job{NoRuntime: name == "no runtime"})
		if _, err := a.Upload(t.Context(), "x", nil); github.Unavailable(err) == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A failed upload tells neither the signature nor the token.
func TestUploadErrorsHoldNoSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, githubtest.Options{})
		s.Fail(githubtest.Fault{Method: "PUT", Path: "/_blob/", Status: 403, Body: "AuthenticationFailed"})
		a, _, masked := artifacts(t, s, githubtest.Job{})
		_, err := a.Upload(t.Context(), "x", nil)
		if err == nil || strings.Contains(err.Error(), (*masked)[0]) || !strings.Contains(err.Error(), "status 403") {
			t.Error(err)
		}
	})
}

// archive packs headers with their contents, nothing checked.
func archive(t *testing.T, files map[*zip.FileHeader]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for h, content := range files {
		to, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = io.WriteString(to, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func named(name string, mode fs.FileMode) *zip.FileHeader {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(mode)
	return h
}

func TestHostileArchives(t *testing.T) {
	bomb := strings.Repeat("\x00", 4<<20)
	many := map[*zip.FileHeader]string{}
	for i := range 2001 {
		many[named(fmt.Sprint("f", i), 0o600)] = ""
	}
	lying := archive(t, map[*zip.FileHeader]string{named("a", 0o600): strings.Repeat("\x00", 2<<20)})
	// The central directory says that the file has one byte.
	at := bytes.LastIndex(lying, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(lying[at+24:], 1)
	for name, raw := range map[string][]byte{
		"no zip":          []byte("PK"),
		"a way out":       archive(t, map[*zip.FileHeader]string{named("../evil", 0o600): "x"}),
		"an absolute one": archive(t, map[*zip.FileHeader]string{named("/tmp/evil", 0o600): "x"}),
		"a Windows one":   archive(t, map[*zip.FileHeader]string{named(`..\evil`, 0o600): "x"}),
		"a drive":         archive(t, map[*zip.FileHeader]string{named("c:evil", 0o600): "x"}),
		"not clean":       archive(t, map[*zip.FileHeader]string{named("a/../evil", 0o600): "x"}),
		"a command":       archive(t, map[*zip.FileHeader]string{named("a\r::error::x", 0o600): "x"}),
		"a link":          archive(t, map[*zip.FileHeader]string{named("link", 0o777|fs.ModeSymlink): "/etc"}),
		"a device":        archive(t, map[*zip.FileHeader]string{named("dev", 0o600|fs.ModeDevice): ""}),
		"twice":           archive(t, map[*zip.FileHeader]string{named("a", 0o600): "1", named("a", 0o644): "2"}),
		"a bomb":          archive(t, map[*zip.FileHeader]string{named("bomb", 0o600): bomb}),
		"many":            archive(t, many),
		"a lie":           lying,
	} {
		t.Run(name, func(t *testing.T) {
			s := fake(t, githubtest.Options{})
			_, c, _ := artifacts(t, s, githubtest.Job{RunID: 5})
			s.AddArtifact(5, "plan", raw)
			listed, err := c.RunArtifacts(t.Context(), 5)
			if err != nil {
				t.Fatal(err)
			}
			outer := t.TempDir()
			dir := filepath.Join(outer, "in")
			if err = os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if names, err := c.DownloadArtifact(t.Context(), listed[0], dir); err == nil {
				t.Errorf("unpacked %q", names)
			}
			if left, err := os.ReadDir(outer); err != nil || len(left) != 1 {
				t.Errorf("outside there is %v, %v", left, err)
			}
		})
	}
}

func TestALinkInTheDirectoryIsNotFollowed(t *testing.T) {
	s := fake(t, githubtest.Options{})
	_, c, _ := artifacts(t, s, githubtest.Job{RunID: 5})
	s.AddArtifact(5, "plan", archive(t, map[*zip.FileHeader]string{named("out/evil", 0o600): "x"}))
	listed, err := c.RunArtifacts(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	dir, outside := t.TempDir(), t.TempDir()
	if err = os.Symlink(outside, filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if _, err = c.DownloadArtifact(t.Context(), listed[0], dir); err == nil {
		t.Error("unpacked through a link")
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestArtifactsOfOtherRunsAreNotListed(t *testing.T) {
	s := fake(t, githubtest.Options{})
	_, c, _ := artifacts(t, s, githubtest.Job{RunID: 5})
	s.AddArtifact(6, "plan", nil)
	if listed, err := c.RunArtifacts(t.Context(), 5); err != nil || len(listed) != 0 {
		t.Errorf("%+v %v", listed, err)
	}
	_, err := c.DownloadArtifact(t.Context(), github.Artifact{ID: 12345, Name: "gone"}, t.TempDir())
	if github.Unavailable(err) == nil {
		t.Error(err)
	}
}
