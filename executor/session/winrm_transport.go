package session

import (
	"context"
	"crypto/sha1" //nolint:gosec // thumbprints are SHA-1 in Windows; a pinned one needs a second preimage to be forged
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxAnswer bounds one SOAP answer.
const maxAnswer = 4 << 20

const soapType = "application/soap+xml;charset=UTF-8"

// An authenticator proves who is calling.
type authenticator interface {
	// post sends one message and returns the answer's status and body.
	post(ctx context.Context, t *winRMTransport, message string) (status int, body []byte, err error)
}

// A winRMTransport carries SOAP messages to one machine.
type winRMTransport struct {
	url    string
	client *http.Client
	auth   authenticator
}

// newTransport dials directly: the machine is in a network of the user's own, where no proxy is.
func newTransport(tlsConfig *tls.Config, auth authenticator) *winRMTransport {
	dialer := &net.Dialer{Timeout: 20 * time.Second, KeepAlive: 15 * time.Second}
	return &winRMTransport{
		auth: auth,
		client: &http.Client{Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: tlsConfig, TLSHandshakeTimeout: 20 * time.Second,
			// NTLM belongs to a connection: one, used for one message after another.
			MaxConnsPerHost: 1, MaxIdleConnsPerHost: 1, IdleConnTimeout: 5 * time.Minute,
		}},
	}
}

// post sends a message and returns the answer. A fault is an error that holds its text, where the library looks for
// OperationTimeout.
func (t *winRMTransport) post(ctx context.Context, message string) (string, error) {
	status, body, err := t.auth.post(ctx, t, message)
	switch {
	case err != nil:
		return "", err
	case status == http.StatusUnauthorized:
		return "", &RefusedError{
			Why:    "The machine did not accept the user name and password.",
			Advice: "Of an account of a domain, Basic authentication accepts none; local administrators other than the built-in one need LocalAccountTokenFilterPolicy = 1.",
		}
	case status != http.StatusOK:
		return "", fmt.Errorf("HTTP status %d: %s", status, strings.TrimSpace(string(body[:min(len(body), 2000)])))
	}
	return string(body), nil
}

// send makes one HTTP request.
func (t *winRMTransport) send(ctx context.Context, body, contentType string, set func(http.Header)) (heard, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, strings.NewReader(body))
	if err != nil {
		return heard{}, err
	}
	req.Header.Set("Content-Type", contentType)
	set(req.Header)
	resp, err := t.client.Do(req)
	if err != nil {
		return heard{}, asRefusal(err)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	err = errors.Join(err, resp.Body.Close())
	if len(raw) > maxAnswer {
		err = fmt.Errorf("the machine's answer is longer than %d bytes", maxAnswer)
	}
	return heard{resp.StatusCode, resp.Header, raw}, err
}

// heard is an HTTP answer.
type heard struct {
	status int
	header http.Header
	body   []byte
}

// asRefusal finds a certificate that is not trusted, which no further attempt changes.
func asRefusal(err error) error {
	if r, ok := errors.AsType[*RefusedError](err); ok {
		return r
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return &RefusedError{
			Why:    fmt.Sprintf("The machine's certificate is not trusted: %v.", cert.Err),
			Advice: "Pin it with certificate_thumbprint, name its issuer with ca_certificate, or, where each machine makes its own, write trust_on_first_use = true.", Cause: err,
		}
	}
	return err
}

// basic is Basic authentication, which is for HTTPS alone.
type basic struct{ user, password string }

func (b basic) post(ctx context.Context, t *winRMTransport, message string) (int, []byte, error) {
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(b.user, b.password)
	return t.answer(ctx, message, func(h http.Header) { h.Set("Authorization", req.Header.Get("Authorization")) })
}

// mutual is a client certificate, which the connection shows.
type mutual struct{}

func (mutual) post(ctx context.Context, t *winRMTransport, message string) (int, []byte, error) {
	return t.answer(ctx, message, func(h http.Header) {
		h.Set("Authorization", "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual") // MS-WSMV 2.2.9.1
	})
}

// answer sends a message as it is and returns what an authenticator returns.
func (t *winRMTransport) answer(ctx context.Context, message string, set func(http.Header)) (int, []byte, error) {
	h, err := t.send(ctx, message, soapType, set)
	return h.status, h.body, err
}

// A trust decides which certificate of a machine is the right one.
type trust struct {
	// thumbprint is the SHA-1 or SHA-256 of the certificate in hex; "" for none pinned.
	thumbprint string
	// firstUse takes the first certificate seen and no other afterwards.
	firstUse bool
	// roots are issuers in PEM; "" for those of this machine.
	roots string
	host  string // the name that the certificate is to be for
	say   func(string)

	mu   sync.Mutex
	seen string // the SHA-256 that firstUse took
}

// config is how TLS is spoken.
func (t *trust) config(certificates ...tls.Certificate) (*tls.Config, error) {
	// Windows asks for the client's certificate in a renegotiation.
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: certificates, Renegotiation: tls.RenegotiateOnceAsClient, ServerName: t.host}
	if t.thumbprint != "" || t.firstUse {
		c.InsecureSkipVerify = true // the certificate itself is compared, which says more than a chain
		c.VerifyConnection = t.verify
		return c, nil
	}
	if t.roots != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(t.roots)) {
			return nil, &RefusedError{Why: "ca_certificate holds no certificate.", Advice: "Give the text of a PEM file: file(\"ca.pem\")."}
		}
	}
	return c, nil
}

// verify compares the certificate of a connection.
func (t *trust) verify(s tls.ConnectionState) error {
	raw := s.PeerCertificates[0].Raw
	short, long := sha1.Sum(raw), sha256.Sum256(raw) //nolint:gosec // as above
	print256 := hex.EncodeToString(long[:])
	want := strings.ToLower(strings.NewReplacer(":", "", " ", "", "-", "").Replace(t.thumbprint))
	if want != "" {
		if equal(want, hex.EncodeToString(short[:])) || equal(want, print256) {
			return nil
		}
		return &RefusedError{
			Why:    fmt.Sprintf("The machine's certificate has the SHA-256 thumbprint %s, and %s is pinned.", print256, want),
			Advice: "See whether this is the machine that is meant. If each machine makes a certificate of its own, write trust_on_first_use = true instead.",
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == "" {
		t.seen = print256
		t.say("The certificate with the SHA-256 thumbprint " + print256 + " is trusted because it is the first one seen of this machine.")
		return nil
	}
	if t.seen != print256 {
		return &RefusedError{
			Why:    fmt.Sprintf("The machine's certificate changed in the middle of the work: it had the SHA-256 thumbprint %s and has %s.", t.seen, print256),
			Advice: "If the machine makes a certificate of its own at each start, use http = true, where NTLM seals the messages.",
		}
	}
	return nil
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
