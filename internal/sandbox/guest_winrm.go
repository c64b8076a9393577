package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// A winrmServer is WinRM on one machine: HTTP, where messages are sealed by NTLM, and HTTPS.
type winrmServer struct {
	machine        *guestMachineState
	user, password string
	names          []string // that requests may call it by, besides every machine's
	servers        []*http.Server
	serving        sync.WaitGroup

	mu     sync.Mutex
	shells map[string]*guestShell
}

// A guestShell is a shell that a client opened; it runs one command at a time.
type guestShell struct {
	env map[string]string
	run *guestRun
}

// winrmConnection is what NTLM knows of one TCP connection.
type winrmConnection struct {
	mu      sync.Mutex
	ntlm    *ntlmServer
	session *ntlmSession
	known   bool // the logon succeeded
}

type winrmConnectionKey struct{}

// maxSOAP is the largest message that Windows takes by default, MaxEnvelopeSizekb, and a little more for its sealing.
const maxSOAP = 512 << 10

// listenWinRM serves on the machine's ports until close.
func listenWinRM(ctx context.Context, m *guestMachineState, user, password string) (*winrmServer, error) {
	s := &winrmServer{machine: m, user: user, password: password, names: m.guest.opts.HostNames, shells: map[string]*guestShell{}}
	certificate, err := m.certificate()
	if err != nil {
		return nil, err
	}
	for _, port := range []int{5985, 5986} {
		h := &http.Server{
			Handler: s, ReadHeaderTimeout: 30 * time.Second,
			ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // of clients that break off
			BaseContext: func(net.Listener) context.Context { return ctx },
			ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
				return context.WithValue(ctx, winrmConnectionKey{}, &winrmConnection{})
			},
		}
		l, err := net.Listen("tcp", net.JoinHostPort(m.spec.Address, strconv.Itoa(port))) //nolint:noctx // the machine's own life bounds it
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.servers = append(s.servers, h)
		s.serving.Go(func() {
			if port == 5986 {
				h.TLSConfig = certificate
				err = h.ServeTLS(l, "", "")
			} else {
				err = h.Serve(l)
			}
			if !errors.Is(err, http.ErrServerClosed) {
				m.guest.log("winrm: " + err.Error())
			}
		})
	}
	return s, nil
}

// close cuts all connections.
func (s *winrmServer) close() error {
	var errs []error
	for _, h := range s.servers {
		errs = append(errs, h.Close())
	}
	s.serving.Wait()
	return errors.Join(errs...)
}

// ServeHTTP implements http.Handler.
func (s *winrmServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fromPage(r) || !serves(r.Host, s.names) {
		http.Error(w, "this machine answers neither web pages nor requests that call it by a name of theirs", http.StatusForbidden)
		return
	}
	c, _ := r.Context().Value(winrmConnectionKey{}).(*winrmConnection)
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxSOAP+1))
	if err != nil || len(raw) > maxSOAP || r.Method != http.MethodPost || r.URL.Path != "/wsman" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	if !s.authenticate(w, r, c) {
		return
	}
	sealed := strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/encrypted")
	switch {
	case len(raw) == 0: // the last step of a logon, with nothing said yet
		w.WriteHeader(http.StatusOK)
		return
	case sealed:
		if raw, err = c.open(raw); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	case r.TLS == nil:
		// AllowUnencrypted is off, as it is by default.
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	status, answer := s.answer(r.Context(), raw)
	if sealed {
		body := c.seal([]byte(answer))
		w.Header().Set("Content-Type", `multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="Encrypted Boundary"`)
		w.WriteHeader(status)
		_, _ = w.Write(body) //nolint:gosec // sealed bytes, and no page is answered
		return
	}
	w.Header().Set("Content-Type", "application/soap+xml;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer) //nolint:gosec // SOAP, and no page is answered
}

// authenticate says whether the caller is known; what else there is to say it answers itself.
func (s *winrmServer) authenticate(w http.ResponseWriter, r *http.Request, c *winrmConnection) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	header := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	user, password, basic := r.BasicAuth()
	switch {
	case basic && r.TLS != nil && s.right(user, password):
		return true
	case strings.EqualFold(scheme, "Negotiate") || strings.EqualFold(scheme, "NTLM"):
		raw, err := base64.StdEncoding.DecodeString(token)
		if err != nil {
			break
		}
		if done := s.logon(w, scheme, raw, c); !done {
			return c.known
		}
		return false
	case header == "" && c.known && r.ContentLength != 0: // a message of nothing asks for a logon
		return true
	}
	s.challenge(w, r)
	return false
}

// right compares a user name, with or without a domain in front of it, and a password.
func (s *winrmServer) right(user, password string) bool {
	user = user[strings.LastIndexByte(user, '\\')+1:]
	return strings.EqualFold(user, s.user) && subtle.ConstantTimeCompare([]byte(password), []byte(s.password)) == 1
}

func (s *winrmServer) challenge(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Www-Authenticate", "Negotiate")
	if r.TLS != nil {
		w.Header().Add("Www-Authenticate", `Basic realm="WSMAN"`)
	}
	w.WriteHeader(http.StatusUnauthorized)
}

// logon takes one step of NTLM; done says that the answer is written.
func (s *winrmServer) logon(w http.ResponseWriter, scheme string, raw []byte, c *winrmConnection) (done bool) {
	if len(raw) > 12 && binary.LittleEndian.Uint32(raw[8:]) == 1 {
		c.ntlm, c.session, c.known = &ntlmServer{user: s.user, password: s.password, host: s.machine.spec.Name, joined: s.machine.spec.Domain != ""}, nil, false
		challenge, err := c.ntlm.offer(raw, s.machine.guest.service.clock())
		if err == nil {
			w.Header().Set("Www-Authenticate", scheme+" "+base64.StdEncoding.EncodeToString(challenge))
		}
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	if c.ntlm != nil {
		session, err := c.ntlm.accept(raw)
		c.ntlm = nil
		if err == nil {
			c.session, c.known = session, true
			return false
		}
	}
	w.Header().Set("Www-Authenticate", scheme)
	w.WriteHeader(http.StatusUnauthorized)
	return true
}

const guestBoundary = "--Encrypted Boundary"

// open finds the sealed text in a body and opens it.
func (c *winrmConnection) open(body []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, sealed, ok := bytes.Cut(body, []byte("application/octet-stream\r\n"))
	sealed, ended := bytes.CutSuffix(bytes.TrimSuffix(sealed, []byte("\r\n")), []byte(guestBoundary+"--"))
	if !ok || !ended || len(sealed) < 20 || binary.LittleEndian.Uint32(sealed) != 16 || c.session == nil {
		return nil, errors.New("the sealed message cannot be read")
	}
	return c.session.open(sealed[4:20], sealed[20:])
}

func (c *winrmConnection) seal(text []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	signature, sealed := c.session.seal(text)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d\r\n"+
		"%s\r\n\tContent-Type: application/octet-stream\r\n", guestBoundary, len(text), guestBoundary)
	b.Write([]byte{16, 0, 0, 0})
	b.Write(signature)
	b.Write(sealed)
	b.WriteString(guestBoundary + "--\r\n")
	return b.Bytes()
}

// answer carries out one message.
func (s *winrmServer) answer(ctx context.Context, raw []byte) (status int, body string) {
	r, err := parseSOAP(raw)
	if err != nil {
		return http.StatusBadRequest, ""
	}
	if r.Identify != nil {
		return http.StatusOK, envelope("", r.MessageID, `<i:IdentifyResponse xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">`+
			`<i:ProtocolVersion>http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd</i:ProtocolVersion><i:ProductVendor>imagebuild sandbox</i:ProductVendor></i:IdentifyResponse>`)
	}
	act, ok := map[string]func(context.Context, *soapRequest) (string, *soapFault){
		wsCreate: s.create, wsCommand: s.command, wsReceive: s.receive, wsSignal: s.signal, wsDelete: s.remove,
	}[strings.TrimSpace(r.Action)]
	fault := &faultAction
	if ok {
		if body, fault = act(ctx, r); fault == nil {
			return http.StatusOK, envelope(r.Action+"Response", r.MessageID, body)
		}
	}
	return http.StatusInternalServerError, envelope("http://schemas.dmtf.org/wbem/wsman/1/wsman/fault", r.MessageID, fault.body())
}

func (s *winrmServer) create(_ context.Context, r *soapRequest) (string, *soapFault) {
	if strings.TrimSpace(r.Resource) != wsCmd {
		return "", &soapFault{"w:DestinationUnreachable", "2150858752", "The sandbox's guest has shells of the kind cmd alone, none for PowerShell remoting."}
	}
	shell := &guestShell{env: map[string]string{}}
	if r.Shell != nil {
		for _, v := range r.Shell.Variables {
			shell.env[v.Name] = v.Value
		}
	}
	id := strings.ToUpper(uuid.NewString())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shells[id] = shell
	return createdBody(id, "http://"+s.machine.spec.Address+":5985/wsman"), nil
}

func (s *winrmServer) find(r *soapRequest) (*guestShell, *soapFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shell := s.shells[r.shell()]
	if shell == nil {
		return nil, &faultShell
	}
	return shell, nil
}

func (s *winrmServer) command(_ context.Context, r *soapRequest) (string, *soapFault) {
	shell, fault := s.find(r)
	if fault != nil || r.Line == nil {
		return "", cmp.Or(fault, &faultAction)
	}
	line := strings.TrimSpace(strings.Join(append([]string{r.Line.Command}, r.Line.Arguments...), " "))
	s.mu.Lock()
	defer s.mu.Unlock()
	if shell.run != nil && !shell.run.ended() {
		return "", &faultRunning
	}
	id := cmp.Or(r.Line.ID, strings.ToUpper(uuid.NewString()))
	shell.run = s.machine.begin(id, func(ctx context.Context, out *guestWriter) int { //nolint:contextcheck // a command outlives the request that began it
		return s.machine.commandLine(ctx, line, shell.env, out)
	})
	return `<rsp:CommandResponse><rsp:CommandId>` + xmlText(id) + `</rsp:CommandId></rsp:CommandResponse>`, nil
}

func (s *winrmServer) receive(ctx context.Context, r *soapRequest) (string, *soapFault) {
	shell, fault := s.find(r)
	if fault != nil || r.Receive == nil {
		return "", cmp.Or(fault, &faultAction)
	}
	s.mu.Lock()
	run := shell.run
	s.mu.Unlock()
	if run == nil || run.id != r.Receive.Stream.Command {
		return "", &faultShell
	}
	waiting, cancel := context.WithTimeout(ctx, r.wait())
	defer cancel()
	out, exit := run.take(waiting)
	if len(out) == 0 && exit == nil {
		return "", &faultTimeout
	}
	if exit != nil {
		s.machine.heard()
	}
	return receiveBody(run.id, out, exit), nil
}

func (s *winrmServer) signal(_ context.Context, r *soapRequest) (string, *soapFault) {
	shell, fault := s.find(r)
	if fault != nil {
		return "", fault
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if shell.run != nil {
		shell.run.cancel()
	}
	return `<rsp:SignalResponse/>`, nil
}

func (s *winrmServer) remove(_ context.Context, r *soapRequest) (string, *soapFault) {
	shell, fault := s.find(r)
	if fault != nil {
		return "", fault
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if shell.run != nil {
		shell.run.cancel()
	}
	delete(s.shells, r.shell())
	return "", nil
}
