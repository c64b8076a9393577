package session_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/session"
	"github.com/org/imagebuild-action/planner"
)

// The script that images of Linux run takes jobs as the sandbox's machines do.
func TestLinuxBootstrap(t *testing.T) {
	seed := bytes.Repeat([]byte{7}, ed25519.SeedSize)
	public, _ := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	t.Run("HMAC", func(t *testing.T) { testLinuxBootstrap(t, hmacKey, hmacKey) })
	t.Run("Ed25519", func(t *testing.T) {
		if out, err := exec.CommandContext(t.Context(), "/usr/bin/openssl", "version").Output(); err != nil || !strings.HasPrefix(string(out), "OpenSSL 3") {
			t.Skip("there is no OpenSSL 3 here")
		}
		testLinuxBootstrap(t, "ed25519:"+hex.EncodeToString(seed), "ed25519-public:"+hex.EncodeToString(public))
	})
}

func testLinuxBootstrap(t *testing.T, ours, theirs string) {
	t.Helper()
	for _, program := range []string{"/usr/bin/python3", "/bin/bash"} {
		if _, err := os.Stat(program); err != nil {
			t.Skip(program + " is not here")
		}
	}
	bucketDir, home, bin := t.TempDir(), t.TempDir(), t.TempDir()
	// A command line of AWS whose bucket is a directory.
	aws := `#!/bin/bash
shift 4
case "$1 $2" in
"ssm get-parameter") echo "` + theirs + `";;
"s3 cp")
  from=${3/#s3:\/\/jobs-bucket/` + bucketDir + `} to=${4/#s3:\/\/jobs-bucket/` + bucketDir + `}
  if [ "$from" = - ]; then mkdir -p "$(dirname "$to")" && cat >"$to.new" && mv "$to.new" "$to"; else cat "$from"; fi;;
*) exit 1;;
esac
`
	write := func(name, text string) string {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write(filepath.Join(bin, "aws"), aws)
	b := session.Bootstrap{Region: "eu-west-1", Bucket: "jobs-bucket", Prefix: "p", Key: "ssm:/imagebuild/job-key"}
	script := write(filepath.Join(home, "bootstrap.sh"), b.Script())
	cmd := exec.CommandContext(t.Context(), "bash", script)
	cmd.Env = []string{"PATH=" + bin + ":/usr/bin:/bin", "IMAGEBUILD_HOME=" + home, "IMAGEBUILD_POLL=0.05", "AppStream_Resource_Type=imagebuilder", "AppStream_Resource_Name=m"}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); t.Log(said.String()) })

	var lines []string
	s := &session.Session{Name: "m", Run: "run-1", Machine: &here{}, Objects: directory(filepath.Join(bucketDir, "p")), Emit: func(e executor.Event) {
		if l, ok := e.(executor.Log); ok {
			lines = append(lines, l.Source+": "+l.Line)
		}
	}}
	err := s.Do(t.Context(), &planner.Work{
		Communicator: planner.Communicator{Type: "s3", Settings: planner.Object{"bucket": "jobs-bucket"}, Secrets: map[string]string{"key": ours}},
		Steps: []planner.WorkStep{{Name: "one", Action: planner.WorkShell, Input: planner.Object{
			"script": "echo \"hello $WHO\"; echo oh >&2; printf unended; exit 4", "environment": planner.Object{"WHO": "you"},
		}}},
	})
	if err == nil || !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("it ended with %v", err)
	}
	for _, want := range []string{"one: hello you", "one: oh", "one: unended"} {
		if !strings.Contains(strings.Join(lines, "\n"), want) {
			t.Errorf("the log lacks %q: %q", want, lines)
		}
	}
}

// A directory is session.Objects on disk.
type directory string

func (d directory) Put(_ context.Context, key string, content planner.Content) error {
	r, err := content.Open()
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	name := filepath.Join(string(d), key)
	return errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name+".new", raw, 0o600), os.Rename(name+".new", name))
}

func (d directory) Get(_ context.Context, key string) ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(string(d), key))
	if errors.Is(err, os.ErrNotExist) {
		return nil, session.ErrNoObject
	}
	return raw, err
}

func (directory) Presign(context.Context, string, time.Duration) (string, error) { return "", nil }

// The script holds what was said, and nothing is left to fill in.
func TestBootstrap(t *testing.T) {
	b := session.Bootstrap{Region: "eu-west-1", Bucket: "jobs", Prefix: "a/b", Key: "secretsmanager:it's#key", Windows: true}
	script := b.Script()
	for _, want := range []string{"$Bucket = 'jobs'\n", "$Prefix = 'a/b/'\n", "$KeySource = 'secretsmanager:it''s#key'\n"} {
		if !strings.Contains(script, want) {
			t.Errorf("the script lacks %q", want)
		}
	}
	if strings.Contains(script, "{{") {
		t.Error("the script has something left to fill in")
	}
}
