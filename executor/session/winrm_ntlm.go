package session

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/bodgit/ntlmssp"
)

// ntlm is NTLM, over HTTP with every message sealed (MS-WSMV 2.2.9.1), over HTTPS without.
type ntlm struct {
	user, password string
	sealed         bool

	mu      sync.Mutex
	session *ntlmssp.SecuritySession // of the connection that is open; nil for none
	ready   bool
}

// post implements authenticator. A connection that was closed in between is opened and proven again; the
// message is sent once.
func (n *ntlm) post(ctx context.Context, t *winRMTransport, message string) (int, []byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.ready {
		if status, body, err := n.prove(ctx, t); err != nil || status != http.StatusOK {
			return status, body, err
		}
	}
	status, body, err := n.say(ctx, t, message)
	if err != nil || status == http.StatusUnauthorized {
		n.ready = false
	}
	if err == nil && status == http.StatusUnauthorized {
		// The machine forgot the connection, and so has not read the message.
		t.client.CloseIdleConnections()
		if status, body, err = n.prove(ctx, t); err != nil || status != http.StatusOK {
			return status, body, err
		}
		return n.say(ctx, t, message)
	}
	return status, body, err
}

// prove carries out the three steps of NTLM (MS-NLMP 3.1.5) with empty messages.
func (n *ntlm) prove(ctx context.Context, t *winRMTransport) (int, []byte, error) {
	domain, user := splitUser(n.user)
	c, err := ntlmssp.NewClient(ntlmssp.SetUserInfo(user, n.password), ntlmssp.SetDomain(domain), ntlmssp.SetVersion(ntlmssp.DefaultVersion()))
	if err != nil {
		return 0, nil, err
	}
	var challenge []byte
	for range 2 {
		token, err := c.Authenticate(challenge, nil)
		if err != nil {
			return 0, nil, fmt.Errorf("NTLM: %w", err)
		}
		h, err := t.send(ctx, "", soapType, func(h http.Header) {
			h.Set("Authorization", "Negotiate "+base64.StdEncoding.EncodeToString(token))
		})
		if err != nil {
			return 0, nil, err
		}
		if h.status != http.StatusUnauthorized {
			n.session, n.ready = c.SecuritySession(), h.status == http.StatusOK
			return h.status, h.body, nil
		}
		var offered bool
		if challenge, offered = negotiation(h.header); !offered {
			return 0, nil, &RefusedError{Why: "The machine's WinRM does not offer NTLM (Negotiate).", Advice: "Enable it there, or choose another authentication."}
		}
		if len(challenge) == 0 {
			break // refused
		}
	}
	return http.StatusUnauthorized, nil, nil
}

// negotiation is the challenge in an answer's headers, and whether Negotiate is offered at all.
func negotiation(h http.Header) (challenge []byte, offered bool) {
	for _, v := range h.Values("Www-Authenticate") {
		scheme, token, _ := strings.Cut(v, " ")
		if !strings.EqualFold(scheme, "Negotiate") {
			continue
		}
		offered = true
		if raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(token)); err == nil && len(raw) > 0 {
			return raw, true
		}
	}
	return nil, offered
}

// splitUser parts DOMAIN\user and user@domain.
func splitUser(s string) (domain, user string) {
	if d, u, ok := strings.Cut(s, `\`); ok {
		return strings.TrimPrefix(d, "."), u
	}
	if u, d, ok := strings.Cut(s, "@"); ok {
		return d, u
	}
	return "", s
}

// say sends a message over a connection that was proven.
func (n *ntlm) say(ctx context.Context, t *winRMTransport, message string) (int, []byte, error) {
	if !n.sealed {
		return t.answer(ctx, message, func(http.Header) {})
	}
	if n.session == nil {
		return 0, nil, &RefusedError{Why: "The machine agreed to no sealing, so that the messages would travel in clear text.", Advice: "Use HTTPS."}
	}
	body, err := seal(n.session, message)
	if err != nil {
		return 0, nil, err
	}
	h, err := t.send(ctx, body, sealedType, func(http.Header) {})
	if err != nil {
		return 0, nil, err
	}
	if h.status == http.StatusUnauthorized {
		return h.status, nil, nil
	}
	if !strings.HasPrefix(h.header.Get("Content-Type"), "multipart/encrypted") {
		return 0, nil, fmt.Errorf("the machine answered a sealed message with HTTP status %d in clear text, which is not read", h.status)
	}
	raw, err := unseal(n.session, h.body)
	return h.status, raw, err
}

const (
	sealedProtocol = "application/HTTP-SPNEGO-session-encrypted"
	sealedBoundary = "--Encrypted Boundary"
	sealedType     = `multipart/encrypted;protocol="` + sealedProtocol + `";boundary="Encrypted Boundary"`
)

// seal wraps a message (MS-WSMV 2.2.9.1.1.2): the length of the signature, the signature, the sealed text.
func seal(s *ntlmssp.SecuritySession, message string) (string, error) {
	text, signature, err := s.Wrap([]byte(message))
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\r\n\tContent-Type: %s\r\n\tOriginalContent: type=%s;Length=%d\r\n", sealedBoundary, sealedProtocol, soapType, len(message))
	fmt.Fprintf(&b, "%s\r\n\tContent-Type: application/octet-stream\r\n", sealedBoundary)
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(signature)))) //nolint:gosec // 16
	b.Write(signature)
	b.Write(text)
	b.WriteString(sealedBoundary + "--\r\n")
	return b.String(), nil
}

// unseal undoes seal.
func unseal(s *ntlmssp.SecuritySession, body []byte) ([]byte, error) {
	sealed, length, err := sealedParts(body)
	if err != nil {
		return nil, err
	}
	size := int64(binary.LittleEndian.Uint32(sealed))
	if size != 16 || int64(len(sealed)) < 4+size {
		return nil, errors.New("a sealed answer has no signature")
	}
	text, err := s.Unwrap(sealed[4+size:], sealed[4:4+size])
	if err != nil {
		return nil, fmt.Errorf("a sealed answer was tampered with: %w", err)
	}
	if len(text) != length {
		return nil, errors.New("a sealed answer has another length than it says")
	}
	return text, nil
}

// sealedParts finds the sealed bytes in a body, and how long their text says it is.
func sealedParts(body []byte) (sealed []byte, length int, err error) {
	broken := errors.New("a sealed answer cannot be read")
	_, rest, ok := bytes.Cut(body, []byte("OriginalContent:"))
	if !ok {
		return nil, 0, broken
	}
	head, rest, ok := bytes.Cut(rest, []byte("\r\n"))
	if !ok {
		return nil, 0, broken
	}
	_, digits, ok := strings.Cut(string(head), "Length=")
	if !ok {
		return nil, 0, broken
	}
	if length, err = strconv.Atoi(strings.TrimSpace(digits)); err != nil || length < 0 {
		return nil, 0, broken
	}
	_, sealed, ok = bytes.Cut(rest, []byte("application/octet-stream\r\n"))
	// Windows ends with the boundary directly behind the sealed bytes.
	sealed, trimmed := bytes.CutSuffix(bytes.TrimSuffix(sealed, []byte("\r\n")), []byte(sealedBoundary+"--"))
	if !ok || !trimmed || len(sealed) < 4 {
		return nil, 0, broken
	}
	return sealed, length, nil
}
