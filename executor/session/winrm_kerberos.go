package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/spnego"
)

// kerberos is Kerberos over HTTPS: messages are not sealed, so that the connection has to be.
type kerberos struct {
	client *client.Client
	spn    string
	mu     sync.Mutex
}

// newKerberos reads the text of a krb5.conf. host is the machine's DNS name, which its service principal
// is made of.
func newKerberos(conf, user, password, host string) (*kerberos, error) {
	if net.ParseIP(host) != nil {
		return nil, &RefusedError{
			Why:    "Kerberos cannot be used with an address: the machine's service principal is HTTP/ and its DNS name.",
			Advice: "Set host to the name the machine has in the domain, or use authentication = \"ntlm\".",
		}
	}
	cfg, err := config.NewFromString(conf)
	if err != nil {
		if _, unsupported := errors.AsType[config.UnsupportedDirective](err); !unsupported {
			return nil, &RefusedError{Why: fmt.Sprintf("kerberos_config cannot be read: %v.", err), Cause: err}
		}
	}
	realm, name := splitUser(user)
	if realm == "" {
		realm = cfg.LibDefaults.DefaultRealm
	}
	if realm == "" {
		return nil, &RefusedError{Why: "No realm is known for the user.", Advice: "Write the user as user@REALM, or default_realm in kerberos_config."}
	}
	return &kerberos{
		client: client.NewWithPassword(name, realm, password, cfg, client.DisablePAFXFAST(true), client.AssumePreAuthentication(true)),
		spn:    "HTTP/" + host,
	}, nil
}

// post implements authenticator.
func (k *kerberos) post(ctx context.Context, t *winRMTransport, message string) (int, []byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	if err := spnego.SetSPNEGOHeader(k.client, req, k.spn); err != nil {
		return 0, nil, &RefusedError{Why: fmt.Sprintf("No Kerberos ticket for %s: %v.", k.spn, err), Advice: "The key distribution centre must be reachable from here, and the machine's name known there.", Cause: err}
	}
	return t.answer(ctx, message, func(h http.Header) { h.Set("Authorization", req.Header.Get("Authorization")) })
}
