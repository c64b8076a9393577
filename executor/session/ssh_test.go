package session_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/session"
	"github.com/org/imagebuild-action/planner"
)

// An sshd is a server that runs commands and takes files on this machine.
type sshd struct {
	config *ssh.ServerConfig
	host   ssh.Signer
	port   int
}

func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

func newSSHD(t *testing.T, user ssh.PublicKey) *sshd {
	t.Helper()
	s := &sshd{config: &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !bytes.Equal(key.Marshal(), user.Marshal()) {
				return nil, errors.New("another key")
			}
			return nil, nil
		},
		PasswordCallback: func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			if string(p) != password {
				return nil, errors.New("another password")
			}
			return nil, nil
		},
	}}
	s.host, _ = newKey(t)
	s.config.AddHostKey(s.host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s.port = l.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

func (s *sshd) serve(conn net.Conn) {
	_, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go s.session(channel, requests)
	}
}

func (*sshd) session(c ssh.Channel, requests <-chan *ssh.Request) {
	defer func() { _ = c.Close() }()
	for r := range requests {
		var arg struct{ Text string }
		_ = ssh.Unmarshal(r.Payload, &arg)
		_ = r.Reply(r.Type == "exec" || r.Type == "subsystem", nil)
		switch r.Type {
		case "subsystem":
			server, err := sftp.NewServer(c)
			if err == nil {
				_ = server.Serve()
			}
			return
		case "exec":
			cmd := exec.Command("/bin/sh", "-c", arg.Text)
			cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = c, c, c.Stderr(), []string{"PATH=/usr/bin:/bin"}
			_ = cmd.Run()
			_, _ = c.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(cmd.ProcessState.ExitCode())}))
			return
		}
	}
}

func TestSSH(t *testing.T) {
	signer, private := newKey(t)
	server := newSSHD(t, signer.PublicKey())
	_, otherKey := newKey(t)
	other, _ := newKey(t)
	hostKey := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(server.host.PublicKey())))
	dir := t.TempDir()
	content := "some content\n"
	sum := sha256.Sum256([]byte(content))
	digest := hex.EncodeToString(sum[:])
	steps := []planner.WorkStep{
		{Name: "file", Action: planner.WorkFile, Input: planner.Object{"destination": dir, "files": []any{map[string]any{"name": "a/b c", "sha256": digest, "size": int64(len(content))}}}},
		{Name: "read", Action: planner.WorkShell, Input: planner.Object{
			"script": "cat '" + dir + "/a/b c'; echo \"$WHO\"; cat; echo to stderr >&2; exit 3", "environment": planner.Object{"WHO": `it's "me"`}, "valid_exit_codes": []any{int64(3)},
		}},
		{Name: "bash", Action: planner.WorkShell, Input: planner.Object{"interpreter": "/bin/bash -eu", "script": "a=(1 2); echo ${#a[@]} of bash"}},
	}
	for name, tt := range map[string]struct {
		settings planner.Object
		secrets  map[string]string
		want     string
	}{
		"key":           {planner.Object{"host_key": hostKey}, map[string]string{"private_key": private}, ""},
		"password":      {planner.Object{"host_key": ssh.FingerprintSHA256(server.host.PublicKey())}, map[string]string{"password": password}, ""},
		"first use":     {planner.Object{"trust_on_first_use": true}, map[string]string{"private_key": private}, ""},
		"another host":  {planner.Object{"host_key": strings.TrimSpace(string(ssh.MarshalAuthorizedKey(other.PublicKey())))}, map[string]string{"private_key": private}, "another one is pinned"},
		"another key":   {planner.Object{"host_key": hostKey}, map[string]string{"private_key": otherKey}, "did not accept the user name and its key"},
		"a broken key":  {planner.Object{"host_key": hostKey}, map[string]string{"private_key": "x"}, "private key cannot be read"},
		"wrong content": {planner.Object{"host_key": hostKey}, map[string]string{"private_key": private}, "and the plan says"},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			tt.settings["username"], tt.settings["port"] = "root", int64(server.port)
			held := content
			if name == "wrong content" {
				held = "other content"
			}
			s := &session.Session{Machine: &here{}, Emit: func(e executor.Event) {
				if l, ok := e.(executor.Log); ok {
					lines = append(lines, l.Source+": "+l.Line)
				}
			}}
			err := s.Do(t.Context(), &planner.Work{
				Communicator: planner.Communicator{Type: "ssh", Settings: tt.settings, Secrets: tt.secrets}, Steps: steps, Contents: map[string]planner.Content{digest: text(held)},
			})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("it ended with %v, want %q", err, tt.want)
			}
			if err != nil {
				return
			}
			log := strings.Join(lines, "\n")
			for _, want := range []string{"read: some content", `read: it's "me"`, "read: to stderr", "bash: 2 of bash"} {
				if !strings.Contains(log, want) {
					t.Errorf("the log lacks %q:\n%s", want, log)
				}
			}
		})
	}
}
