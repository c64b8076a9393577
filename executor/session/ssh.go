package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/org/imagebuild-action/planner"
)

// secureShell is a Communicator over SSH, for Linux.
type secureShell struct{ client *ssh.Client }

// openSSH connects.
func openSSH(ctx context.Context, c planner.Communicator, secrets map[string]string, address string, t *trust) (*secureShell, error) {
	cfg := &ssh.ClientConfig{User: textOf(c.Settings, "username"), HostKeyCallback: t.hostKey(textOf(c.Settings, "host_key")), Timeout: 20 * time.Second}
	if key := secrets["private_key"]; key != "" {
		signer, err := parseKey(key, secrets["passphrase"])
		if err != nil {
			return nil, &RefusedError{Why: fmt.Sprintf("The private key cannot be read: %v.", err), Cause: err}
		}
		cfg.Auth = append(cfg.Auth, ssh.PublicKeys(signer))
	}
	if password := secrets["password"]; password != "" {
		cfg.Auth = append(cfg.Auth, ssh.Password(password), ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range answers {
				answers[i] = password
			}
			return answers, nil
		}))
	}
	if cfg.User == "" || len(cfg.Auth) == 0 {
		return nil, &RefusedError{Why: "SSH needs a username, and a private_key or a password.", Advice: "Name them in the communicator's settings."}
	}
	if textOf(c.Settings, "host_key") == "" && !truthOf(c.Settings, "trust_on_first_use") {
		return nil, &RefusedError{Why: "Nothing says which host key the machine has.", Advice: "Write host_key, or trust_on_first_use = true where each machine makes its own."}
	}
	port := numberOf(c.Settings, "port")
	if port == 0 {
		port = 22
	}
	dialer := net.Dialer{Timeout: cfg.Timeout}
	to := net.JoinHostPort(address, strconv.Itoa(port))
	raw, err := dialer.DialContext(ctx, "tcp", to)
	if err != nil {
		return nil, err
	}
	// The handshake heeds no context.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	conn, channels, requests, err := ssh.NewClientConn(raw, to, cfg)
	if err != nil {
		return nil, errors.Join(sshRefusal(err), raw.Close())
	}
	return &secureShell{ssh.NewClient(conn, channels, requests)}, nil
}

func parseKey(pem, passphrase string) (ssh.Signer, error) {
	if passphrase != "" {
		return ssh.ParsePrivateKeyWithPassphrase([]byte(pem), []byte(passphrase))
	}
	return ssh.ParsePrivateKey([]byte(pem))
}

// sshRefusal finds what another attempt will not change. The library gives refused credentials no type of their own.
func sshRefusal(err error) error {
	if r, ok := errors.AsType[*RefusedError](err); ok {
		return r
	}
	if _, ok := errors.AsType[*ssh.ServerAuthError](err); ok || strings.Contains(err.Error(), "unable to authenticate") {
		return &RefusedError{Why: "The machine did not accept the user name and its key or password.", Cause: err}
	}
	return err
}

// hostKey compares a machine's key with the pinned one ("ssh-ed25519 AAAA…" or "SHA256:…"), or with the first seen.
func (t *trust) hostKey(pinned string) ssh.HostKeyCallback {
	return func(_ string, _ net.Addr, key ssh.PublicKey) error {
		print256 := ssh.FingerprintSHA256(key)
		if pinned != "" {
			line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
			if equal(pinned, print256) || equal(strings.Join(firstFields(pinned, 2), " "), line) {
				return nil
			}
			return &RefusedError{Why: fmt.Sprintf("The machine's host key is %s, and another one is pinned.", print256), Advice: "See whether this is the machine that is meant."}
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.seen == "" {
			t.seen = print256
			t.say("The host key " + print256 + " is trusted because it is the first one seen of this machine.")
			return nil
		}
		if t.seen != print256 {
			return &RefusedError{Why: fmt.Sprintf("The machine's host key changed in the middle of the work: it was %s and is %s.", t.seen, print256)}
		}
		return nil
	}
}

func firstFields(s string, n int) []string {
	f := strings.Fields(s)
	return f[:min(n, len(f))]
}

// Close implements Communicator.
func (s *secureShell) Close() error {
	if err := s.client.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Run implements Communicator. The script travels on standard input, so that nothing limits its length and no
// list of processes shows it.
func (s *secureShell) Run(ctx context.Context, c Command, print func(Line)) (int, error) {
	if c.Shell != Posix {
		return 0, &RefusedError{Why: fmt.Sprintf("A script of the shell %s cannot run on Linux.", c.Shell), Advice: `Write it as "shell".`}
	}
	session, err := s.client.NewSession()
	if err != nil {
		return 0, &DroppedError{err}
	}
	defer session.Close() //nolint:errcheck // it has ended by itself, or the connection has
	out, errs, end := Lines(print)
	session.Stdout, session.Stderr = out, errs
	session.Stdin = strings.NewReader(shScript(c.Script, c.Environment))
	stop := context.AfterFunc(ctx, func() {
		_ = session.Signal(ssh.SIGTERM)
		_ = session.Close()
	})
	defer stop()
	// Standard input is read by the command that runs it: what the script starts must not eat the rest of it.
	err = session.Run("f=$(mktemp) && cat >\"$f\" && { " + c.Interpreter + " \"$f\" </dev/null; s=$?; rm -f \"$f\"; exit $s; }")
	end()
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if exit, ok := errors.AsType[*ssh.ExitError](err); ok && exit.Signal() == "" {
		return exit.ExitStatus(), nil
	}
	if err != nil {
		return 0, &DroppedError{err}
	}
	return 0, nil
}

// Put implements Communicator.
func (s *secureShell) Put(ctx context.Context, to string, f File) (err error) {
	client, err := sftp.NewClient(s.client)
	if err != nil {
		return &DroppedError{err}
	}
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
	defer func() { err = errors.Join(err, closed(client.Close())) }()
	r, err := f.Content.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err = client.MkdirAll(path.Dir(to)); err != nil {
		return fmt.Errorf("making %s: %w", path.Dir(to), err)
	}
	w, err := client.Create(to)
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(w, h), r)
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); f.SHA256 != "" && got != f.SHA256 {
		return fmt.Errorf("%s has the sha256 %s, and the plan says %s", to, got, f.SHA256)
	}
	return nil
}

// closed drops the error of closing what is closed already.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
