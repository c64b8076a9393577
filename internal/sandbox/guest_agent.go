package sandbox

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// jobKeyParameter is the parameter that the machines read the key of jobs from, as imagebuild's bootstrap script
// can be told to. The sandbox makes one of its own where nobody put one.
const jobKeyParameter = "/imagebuild/job-key"

// How often the agent looks for a job, sends what was printed, and says that it lives.
const (
	agentPoll  = 200 * time.Millisecond
	agentFlush = 250 * time.Millisecond
	agentBeat  = 15 * time.Second
	agentIdle  = 50 * time.Minute
)

// seedJobKey makes the key of jobs for a region. The caller holds the database's lock.
func (ib *imageBuilder) seedJobKey(region string) {
	if ib.db.parameters.get(region+"/"+jobKeyParameter) != nil {
		return
	}
	var key [32]byte
	if _, err := rand.Read(key[:]); err != nil {
		return // the machines find no key then, and take no job
	}
	ib.db.parameters.put(region+"/"+jobKeyParameter, &parameter{
		Name: jobKeyParameter, Region: region, Type: "SecureString", Value: hex.EncodeToString(key[:]), DataType: "text", Version: 1, Modified: ib.opts.Now(),
	})
}

// An agentJob is what of a job the machine looks at.
type agentJob struct {
	Version     int               `json:"version"`
	Machine     string            `json:"machine"`
	Run         string            `json:"run"`
	Nonce       string            `json:"nonce"`
	Expires     time.Time         `json:"expires"`
	Shell       string            `json:"shell"`
	Script      string            `json:"script"`
	Interpreter string            `json:"interpreter"`
	Environment map[string]string `json:"environment"`
	Files       []struct {
		URL    string `json:"url"`
		Path   string `json:"path"`
		SHA256 string `json:"sha256"`
	} `json:"files"`
}

type agentEnvelope struct {
	Algorithm string `json:"algorithm"`
	Message   string `json:"message"`
	Signature string `json:"signature"`
}

// poll looks for jobs until the machine stops.
func (m *guestMachineState) poll(ctx context.Context) {
	look := time.NewTicker(agentPoll)
	defer look.Stop()
	waiting := time.Now() // of this machine: a fixed clock of the sandbox would make it wait for ever
	said := map[string]time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		for _, bucket := range m.guest.objects.buckets() {
			prefix := "jobs/" + m.spec.Name + "/"
			raw, err := m.guest.objects.read(bucket, prefix+"job.json", 1<<20)
			if err != nil {
				continue
			}
			if j, key, ok := m.open(raw); ok {
				m.carryOut(ctx, bucket, j, key)
				waiting = time.Now()
			} else if time.Since(said[bucket]) > agentBeat {
				said[bucket] = time.Now()
				m.leave(bucket, "status.json", m.beat("waiting", ""))
			}
		}
		if time.Since(waiting) > agentIdle {
			for name := range said {
				m.leave(name, "status.json", m.beat("no_job_received", ""))
			}
			return
		}
	}
}

func (m *guestMachineState) beat(state, nonce string) []byte {
	return mustJSON(object{"state": state, "nonce": nonce, "at": time.Now().UTC().Format(time.RFC3339Nano)})
}

// mustJSON is for plain data, which always has a form.
func mustJSON(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("sandbox: " + err.Error())
	}
	return raw
}

// leave writes an object below results/<machine>/.
func (m *guestMachineState) leave(bucket, name string, body []byte) {
	if err := m.guest.objects.write(bucket, path.Join("results", m.spec.Name, name), body); err != nil {
		m.guest.log(err.Error())
	}
}

// jobKey is the key of jobs as it is now.
func (m *guestMachineState) jobKey() string {
	db := m.guest.builds.db
	db.Lock()
	defer db.Unlock()
	if p := db.parameters.get(m.spec.Region + "/" + jobKeyParameter); p != nil {
		return p.Value
	}
	return ""
}

// open checks that a job is signed with the key, for this machine, not too old and not done before.
func (m *guestMachineState) open(raw []byte) (agentJob, []byte, bool) {
	var e agentEnvelope
	var j agentJob
	if json.Unmarshal(raw, &e) != nil {
		return j, nil, false
	}
	message, err := base64.StdEncoding.DecodeString(e.Message)
	signature, sigErr := hex.DecodeString(e.Signature)
	key, signed := verifyJob(m.jobKey(), e.Algorithm, message, signature)
	if firstError(err, sigErr) != nil || !signed || json.Unmarshal(message, &j) != nil {
		return j, nil, false
	}
	fresh := j.Version == 1 && j.Machine == m.spec.Name && time.Now().Before(j.Expires) && !slices.Contains(m.state().Jobs, j.Nonce)
	return j, key, fresh && plainNonce(j.Nonce)
}

// plainNonce keeps a nonce from naming another place than its own.
func plainNonce(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 16
}

// verifyJob compares a signature, and returns the secret that results are signed with; nil where there is none.
func verifyJob(key, algorithm string, message, signature []byte) ([]byte, bool) {
	public, ed := strings.CutPrefix(key, "ed25519-public:")
	raw, err := hex.DecodeString(public)
	switch {
	case err != nil || len(raw) < 16:
		return nil, false
	case ed && algorithm == "Ed25519" && len(raw) == ed25519.PublicKeySize:
		return nil, ed25519.Verify(raw, message, signature)
	case !ed && algorithm == "HMAC-SHA256":
		return raw, hmac.Equal(macOf(raw, message), signature)
	}
	return nil, false
}

func macOf(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

// carryOut does a job and leaves its output, its signs of life and its result.
func (m *guestMachineState) carryOut(ctx context.Context, bucket string, j agentJob, key []byte) {
	m.change(func(d *guestDisk) { d.Jobs = append(d.Jobs, j.Nonce) })
	log := &agentLog{leave: func(name string, body []byte) { m.leave(bucket, j.Nonce+"/"+name, body) }}
	log.leave("beat.json", m.beat("working", j.Nonce))
	done := make(chan int, 1)
	m.work.Go(func() {
		done <- m.perform(ctx, &guestWriter{log.add}, func(ctx context.Context, out *guestWriter) int { return m.job(ctx, j, out) })
	})
	flush, beat := time.NewTicker(agentFlush), time.NewTicker(agentBeat)
	defer flush.Stop()
	defer beat.Stop()
	for {
		select {
		case exit := <-done:
			if ctx.Err() != nil {
				return // the power is off
			}
			log.flush(true)
			message := mustJSON(object{"run": j.Run, "nonce": j.Nonce, "exit": exit, "pieces": log.count})
			e := agentEnvelope{Algorithm: "HMAC-SHA256", Message: base64.StdEncoding.EncodeToString(message), Signature: hex.EncodeToString(macOf(key, message))}
			log.leave("result.json", mustJSON(e))
			m.heard()
			return
		case <-flush.C:
			log.flush(false)
		case <-beat.C:
			log.leave("beat.json", m.beat("working", j.Nonce))
		}
	}
}

// job fetches a job's files and runs its script.
func (m *guestMachineState) job(ctx context.Context, j agentJob, out *guestWriter) int {
	for _, f := range j.Files {
		raw, err := m.download(ctx, f.URL)
		if sum := sha256.Sum256(raw); err == nil && hex.EncodeToString(sum[:]) != f.SHA256 {
			err = errors.New("it has another sha256 than the job says")
		}
		if err == nil {
			err = m.place(ctx, f.Path, raw, out)
		}
		if err != nil {
			out.error(fmt.Sprintf("fetching %s: %v", f.Path, err))
			return 1
		}
	}
	if j.Script == "" {
		return 0
	}
	return m.script(ctx, guestScript{shell: j.Shell, interpreter: j.Interpreter, text: j.Script, env: j.Environment}, out)
}

// An agentLog collects lines and leaves them in pieces.
type agentLog struct {
	leave func(name string, body []byte)
	count int // pieces left; only the one who flushes uses it

	mu    sync.Mutex
	lines []byte
	open  [2][]byte // an unfinished line of standard output, of standard error
}

func (l *agentLog) add(stderr bool, text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := 0
	if stderr {
		i = 1
	}
	l.open[i] = append(l.open[i], text...)
	for {
		line, rest, ok := bytes.Cut(l.open[i], []byte("\n"))
		if !ok {
			return
		}
		l.line(stderr, line)
		l.open[i] = bytes.Clone(rest)
	}
}

func (l *agentLog) line(stderr bool, line []byte) {
	entry := object{"t": strings.TrimSuffix(string(line), "\r")}
	if stderr {
		entry["e"] = true
	}
	l.lines = append(append(l.lines, mustJSON(entry)...), '\n')
}

// flush leaves a piece; last takes lines that were not ended too.
func (l *agentLog) flush(last bool) {
	l.mu.Lock()
	if last {
		for i, rest := range l.open {
			if len(rest) > 0 {
				l.line(i == 1, rest)
			}
		}
	}
	lines := l.lines
	l.lines = nil
	l.mu.Unlock()
	if len(lines) > 0 {
		l.count++
		l.leave(fmt.Sprintf("log-%06d", l.count), lines)
	}
}
