package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/org/imagebuild-action/internal/awsmodel"
	"github.com/org/imagebuild-action/internal/awsmodel/rules"
	"github.com/org/imagebuild-action/internal/component"
)

// A Server is one AWS. Open makes it, Close ends it.
type Server struct {
	opts      Options
	dir       string
	temporary bool
	lock      interface{ Close() error }
	db        *database
	logs      *logStore
	objects   *objectStore
	builds    *builder
	ib        *imageBuilder
	stream    *appStream
	rest      restRouter
	logsAPI   map[string]answer
	ssmAPI    map[string]answer
	http      *http.Server
	keys      keyRing
	serving   sync.WaitGroup
	warning   string // about the address served on; "" for loopback
	closing   sync.Once
	closed    error

	mu    sync.Mutex
	calls map[string]int
}

// Open starts a server on the state in opts.Dir. Images that were being built when an earlier server
// died are built again under their ARNs. ctx bounds the opening alone; Close ends the server.
func Open(ctx context.Context, opts Options) (*Server, error) {
	s := &Server{opts: opts, calls: map[string]int{}}
	s.defaults()
	if !knownRoot(s.opts.Root) {
		return nil, fmt.Errorf("the sandbox has no root %q: it is auto, overlay, none or dir:PATH", s.opts.Root)
	}
	if machine(s.opts.Root) {
		return nil, fmt.Errorf("%q is this machine itself, and what documents did to it would stay: take overlay, or another directory", s.opts.Root)
	}
	if err := s.openDir(); err != nil {
		return nil, err
	}
	if err := s.assemble(ctx); err != nil {
		return nil, errors.Join(err, s.release())
	}
	if err := s.resume(); err != nil { //nolint:contextcheck // builds outlive the opening, whose ctx is not theirs
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// resume takes up what an earlier server left: builds, and builders that ran.
func (s *Server) resume() error {
	s.db.Lock()
	s.builds.resume()
	s.stream.resume()
	err := s.db.commit()
	s.db.Unlock()
	s.stream.settle()
	return err
}

// knownRoot keeps out the one kind of root that component has and a sandbox must not: the machine itself.
func knownRoot(kind string) bool {
	return slices.Contains([]string{component.RootAuto, component.RootOverlay, component.RootNone}, kind) || strings.HasPrefix(kind, "dir:")
}

// machine reports whether a root of kind dir:PATH is the machine's own, by whatever path.
func machine(kind string) bool {
	dir, ok := strings.CutPrefix(kind, "dir:")
	if !ok {
		return false
	}
	a, errA := os.Stat(dir)
	b, errB := os.Stat("/")
	return errA == nil && errB == nil && os.SameFile(a, b) // what is not there is refused by name later
}

func (s *Server) defaults() {
	s.opts.Root = cmp.Or(s.opts.Root, "auto")
	s.opts.Account = cmp.Or(s.opts.Account, "123456789012")
	s.opts.Region = cmp.Or(s.opts.Region, "us-east-1")
	s.opts.Builds = cmp.Or(s.opts.Builds, runtime.NumCPU())
	if s.opts.Now == nil {
		s.opts.Now = time.Now
	}
	if s.opts.Log == nil {
		s.opts.Log = func(string) {}
	}
}

func (s *Server) openDir() error {
	if s.opts.Dir == "" {
		dir, err := os.MkdirTemp("", "imagebuild-sandbox-")
		if err != nil {
			return err
		}
		s.dir, s.temporary = dir, true
	} else {
		dir, err := filepath.Abs(s.opts.Dir)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		s.dir = dir
	}
	var err error
	s.lock, err = lockDir(s.dir)
	return err
}

// assemble puts the services together on the opened state.
func (s *Server) assemble(ctx context.Context) (err error) {
	s.db = newDatabase(s.dir)
	s.db.account = s.opts.Account
	if err = s.db.open(); err != nil {
		return err
	}
	if s.logs, err = openLogs(filepath.Join(s.dir, "logs")); err != nil {
		return err
	}
	if s.objects, err = openObjects(filepath.Join(s.dir, "objects"), s.opts.Now); err != nil {
		return err
	}
	if s.builds, err = newBuilder(ctx, s); err != nil {
		return err
	}
	model, err := awsmodel.Get("imagebuilder")
	if err != nil {
		return err
	}
	s.ib = &imageBuilder{db: s.db, opts: &s.opts, objects: s.objects, builds: s.builds}
	s.ib.table = s.ib.answers()
	s.rest = newRestRouter(model)
	s.stream = newAppStream(s)
	s.stream.guest = newGuests(s.builds, s.stream)
	s.logsAPI = (&cloudWatchLogs{s.logs, s.db}).answers()
	s.ssmAPI = (&parameterStore{s.db}).answers()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	return nil
}

// ServeHTTP answers every service on one port: they are told apart by signature, target header and path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if refusal := s.door(r); refusal != "" {
		http.Error(w, refusal, http.StatusForbidden)
		return
	}
	s.builds.reach("http://" + r.Host)
	sc, ok := signed(r)
	c := &call{region: cmp.Or(sc.region, s.opts.Region), id: uuid.NewString(), now: s.opts.Now()}
	if strings.ContainsAny(c.region, "*%") || !shortID().MatchString(c.region) {
		c.region = s.opts.Region
	}
	w.Header().Set("X-Amzn-Requestid", c.id)
	service := serviceOf(r, sc)
	authErr := s.identify(c, sc)
	switch service {
	case "imagebuilder":
		s.serveREST(w, r, c, authErr)
	case appStreamService:
		s.serveAppStream(w, r, c, authErr)
	case "ssm":
		s.serveJSON(w, r, c, jsonService{"ssm", s.ssmAPI}, authErr)
	case "logs":
		s.serveJSON(w, r, c, jsonService{"logs", s.logsAPI}, authErr)
	case "sts":
		s.serveQuery(w, r, c, ok, authErr)
	case "ec2":
		s.serveEC2(w, r, c, authErr)
	case "tagging":
		s.serveTagging(w, r, c, authErr)
	case "s3":
		s.serveS3(w, r, c, authErr)
	case "iam":
		s.serveIAM(w, r, c, authErr)
	case "secretsmanager":
		s.serveSecrets(w, r, c, authErr)
	case "servicequotas":
		s.serveQuotas(w, r, c, authErr)
	default:
		s.unknownService(w, r, c, service)
	}
}

// identify says who is calling. A key that STS gave out is that role; any other is the account's root.
func (s *Server) identify(c *call, sc scope) error {
	s.db.Lock()
	defer s.db.Unlock()
	c.account = s.opts.Account
	c.caller, c.user = "arn:"+awsmodel.PartitionOf(c.region)+":iam::"+c.account+":root", c.account
	k := s.db.keys.get(sc.key)
	if k == nil && accountID().MatchString(sc.key) {
		// A key that is a number of 12 digits is that account's, as other simulations of AWS have it.
		c.account, c.caller, c.user = sc.key, "arn:"+awsmodel.PartitionOf(c.region)+":iam::"+sc.key+":root", sc.key
	}
	if k == nil {
		return nil
	}
	c.account, c.caller, c.user = k.Account, k.ARN, k.UserID
	if c.now.After(k.Expires) {
		return fail("ExpiredTokenException", "The security token included in the request is expired")
	}
	return nil
}

func (s *Server) serveREST(w http.ResponseWriter, r *http.Request, c *call, authErr error) {
	op, label, value := s.rest.find(r)
	if op == nil {
		s.count("imagebuilder:?")
		writeError(w, restJSON, "imagebuilder", &failure{
			Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: "There is no operation " + r.Method + " " + r.URL.Path + ".",
		})
		return
	}
	c.op, c.name = op, op.Name
	err := cmp.Or(authErr, s.fault("imagebuilder:"+op.Name))
	if err == nil {
		c.in, err = readREST(op, r, label, value)
	}
	if err == nil {
		err = check(c, op)
	}
	var out object
	if err == nil {
		out, err = s.transact(c, s.ib.answer(op))
	}
	if err != nil {
		writeError(w, restJSON, "imagebuilder", err)
		return
	}
	writeJSON(w, restJSON, op, out)
}

// check lets the model and the rules about one call judge an input; the first refusal is the answer.
func check(c *call, op *awsmodel.Operation) error {
	for _, f := range rules.Check(op, c.in, rules.Place{Region: c.region, Account: c.account}) {
		if f.Refused() {
			return refused(op, f.Finding)
		}
	}
	return nil
}

// transact runs an answer with the state locked and commits what it changed.
func (s *Server) transact(c *call, act answer) (object, error) {
	s.db.Lock()
	defer s.db.Unlock()
	s.ib.seedRegion(c.region)
	out, err := act(c)
	return out, cmp.Or(err, s.db.commit())
}

// A jsonService is one that speaks AWS's JSON 1.1.
type jsonService struct {
	name    string
	answers map[string]answer
}

func (s *Server) serveJSON(w http.ResponseWriter, r *http.Request, c *call, js jsonService, authErr error) {
	c.name = targetOperation(r)
	model, err := awsmodel.Get(js.name)
	err = cmp.Or(err, authErr, s.fault(js.name+":"+c.name))
	if err == nil {
		c.op, _ = model.Operation(c.name)
		c.in, err = readJSON(r)
	}
	if err == nil && c.op != nil {
		err = check(c, c.op)
	}
	var out object
	if err == nil {
		act := js.answers[c.name]
		switch {
		case act != nil:
			out, err = s.transact(c, act)
		case c.op != nil:
			err = fail("UnknownOperationException", "The sandbox does not do this: %s of %s.", c.name, js.name)
		default:
			err = fail("UnknownOperationException", "There is no operation %s of %s, or the sandbox does not do it.", c.name, js.name)
		}
	}
	if err != nil {
		writeError(w, awsJSON, js.name, err)
		return
	}
	writeJSON(w, awsJSON, c.op, out)
}

// count notes a call and returns how many of the operation there have been.
func (s *Server) count(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[operation]++
	return s.calls[operation]
}

// fault counts a call and returns the error scripted for it, if any.
func (s *Server) fault(operation string) error { return s.scripted(operation, s.count(operation)) }

// scripted is the error for the n-th call of an operation.
func (s *Server) scripted(operation string, n int) error {
	for _, f := range s.opts.Faults {
		if f.Effect == "" && f.hits(operation, n) {
			return &failure{Code: f.Code, Message: cmp.Or(f.Message, "A scripted fault."), Status: f.Status}
		}
	}
	return nil
}

// Calls counts the requests so far by operation: "imagebuilder:CreateImage".
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// Listen serves on addr ("127.0.0.1:0") until Close, and returns the endpoint's URL.
func (s *Server) Listen(addr string) (string, error) {
	l, err := net.Listen("tcp", addr) //nolint:noctx // the server's own life bounds it
	if err != nil {
		return "", err
	}
	url := "http://" + l.Addr().String()
	s.warning = exposed(l.Addr())
	s.builds.reach(url)
	s.serving.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.opts.Log("serve: " + err.Error())
		}
	})
	return url, nil
}

// Banner says in plain sentences what this server is, where components run and why there, and what it cannot prove.
func (s *Server) Banner() string {
	kept := "Its state is kept in " + s.dir + "."
	if s.temporary {
		kept = "Its state is gone when it stops."
	}
	if s.warning != "" {
		kept += " " + s.warning
	}
	return "This is a sandbox, not AWS. When it builds an image, " + strings.TrimSuffix(s.builds.reason, ".") + ". " + kept +
		" It proves nothing that only AWS can prove: permissions, networks, instance types, Windows and macOS, the base image itself, real AMIs."
}

// Close stops serving, ends running builds in such a way that the next Open starts them again, waits for
// them, and writes the state. A second call does nothing and returns what the first did.
func (s *Server) Close() error {
	s.closing.Do(func() {
		err := s.http.Close()
		s.serving.Wait()
		s.builds.close()
		s.stream.close()
		s.closed = errors.Join(err, s.release())
	})
	return s.closed
}

// release gives back what is open.
func (s *Server) release() error {
	var errs []error
	if s.logs != nil {
		errs = append(errs, s.logs.close())
	}
	if s.db != nil {
		errs = append(errs, s.db.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	if s.temporary {
		errs = append(errs, s.builds.discard(s.dir))
	}
	return errors.Join(errs...)
}
