package session

import (
	"crypto/tls"
	"net"
	"strconv"

	"github.com/masterzen/winrm"

	"github.com/org/imagebuild-action/planner"
)

// openWinRM makes a communicator; nothing is sent yet. address is the machine's.
func openWinRM(c planner.Communicator, secrets map[string]string, address string, t *trust) (*winRM, error) {
	s := c.Settings
	https := !truthOf(s, "http")
	port := numberOf(s, "port")
	if port == 0 {
		port = map[bool]int{true: 5986, false: 5985}[https]
	}
	if t.host = textOf(s, "host"); t.host == "" {
		t.host = address
	}
	auth, certificates, err := authenticate(s, secrets, https, t.host)
	if err != nil {
		return nil, err
	}
	t.thumbprint, t.firstUse, t.roots = textOf(s, "certificate_thumbprint"), truthOf(s, "trust_on_first_use"), textOf(s, "ca_certificate")
	cfg, err := t.config(certificates...)
	if err != nil {
		return nil, err
	}
	w := &winRM{
		http:     newTransport(cfg, auth),
		endpoint: winrm.NewEndpoint(address, port, https, false, nil, nil, nil, 0),
		folder:   `C:\ProgramData\imagebuild`,
	}
	w.http.url = map[bool]string{true: "https://", false: "http://"}[https] + net.JoinHostPort(address, strconv.Itoa(port)) + "/wsman"
	return w, nil
}

// authenticate chooses how to prove who is calling. What would send the password or the messages in clear text
// is refused.
func authenticate(s planner.Object, secrets map[string]string, https bool, host string) (authenticator, []tls.Certificate, error) {
	user, password, method := textOf(s, "username"), secrets["password"], textOf(s, "authentication")
	if method == "" {
		method = "ntlm"
	}
	if !https && method != "ntlm" {
		return nil, nil, &RefusedError{Why: "Over HTTP the messages are sealed by NTLM alone, and authentication is \"" + method + "\".", Advice: "Leave out http = true, or write authentication = \"ntlm\"."}
	}
	if method != "certificate" && (user == "" || password == "") {
		return nil, nil, &RefusedError{Why: "WinRM needs a username and a password.", Advice: "Name them in the communicator's settings."}
	}
	switch method {
	case "ntlm":
		return &ntlm{user: user, password: password, sealed: !https}, nil, nil
	case "basic":
		return basic{user, password}, nil, nil
	case "kerberos":
		k, err := newKerberos(textOf(s, "kerberos_config"), user, password, host)
		if err != nil {
			return nil, nil, err
		}
		return k, nil, nil
	case "certificate":
		pair, err := tls.X509KeyPair([]byte(secrets["certificate"]), []byte(secrets["private_key"]))
		if err != nil {
			return nil, nil, &RefusedError{Why: "certificate and private_key are no pair in PEM.", Cause: err}
		}
		return mutual{}, []tls.Certificate{pair}, nil
	}
	return nil, nil, &RefusedError{Why: "There is no authentication \"" + method + "\".", Advice: "It is ntlm, basic, kerberos or certificate."}
}
