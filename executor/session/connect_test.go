package session_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/executor/session"
	"github.com/org/imagebuild-action/planner"
)

// A still machine never gets an address.
type still struct{ cycles int }

func (*still) Address(context.Context) (string, error) { return "", nil }
func (m *still) Cycle(context.Context) error           { m.cycles++; return nil }
func (*still) Await(context.Context) error             { return nil }

var greeting = []planner.WorkStep{{Name: "greet", Action: planner.WorkPowerShell, Input: planner.Object{"script": "'hello'"}}}

// Connecting is tried while group policy lags, the machine started anew once, and then given up with advice.
func TestConnecting(t *testing.T) {
	for _, restart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := &still{}
			retries := 0
			s := &session.Session{Windows: true, Machine: m, Emit: func(e executor.Event) {
				if r, ok := e.(executor.Retried); ok {
					retries++
					if r.Wait != 15*time.Second || r.Err.Error() != "connecting by winrm: the machine has no address yet" {
						t.Errorf("retried after %s: %v", r.Wait, r.Err)
					}
				}
			}}
			began := time.Now()
			c := winrm(planner.Object{"restart_if_unreachable": restart})
			delete(c.Settings, "connect_timeout")
			err := s.Do(t.Context(), &planner.Work{Communicator: c, Steps: greeting})
			took, cycles := 15*time.Minute, 0
			if restart {
				took, cycles = 25*time.Minute, 1
			}
			if got := time.Since(began); got != took || m.cycles != cycles {
				t.Errorf("given up after %s and %d restarts, want %s and %d", got, m.cycles, took, cycles)
			}
			f, ok := errors.AsType[*executor.Failure](err)
			if !ok || f.Step != "greet" || !strings.Contains(f.Message, "5986 (5985 for HTTP)") {
				t.Errorf("it ended with %v", err)
			}
			if want := int(took / (15 * time.Second)); retries < want-2 || retries > want {
				t.Errorf("%d retries in %s", retries, took)
			}
		})
	}
}

// A deleted machine is not there any more, or was listed late once.
type deleted struct {
	still
	asked, back int
}

func (m *deleted) Address(context.Context) (string, error) {
	if m.asked++; m.asked == m.back {
		return "", nil
	}
	return "", &executor.MachineGoneError{Name: "cad-1"}
}

// A machine that is gone is not waited for, by any communicator; one answer alone proves nothing.
func TestConnectingToWhatIsGone(t *testing.T) {
	for _, tt := range []struct {
		communicator string
		back         int
		after        time.Duration
	}{{"winrm", 0, 15 * time.Second}, {"winrm", 2, 45 * time.Second}, {"ssh", 0, 15 * time.Second}, {"s3", 0, 15 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			c := winrm(planner.Object{"restart_if_unreachable": true})
			c.Type = tt.communicator
			delete(c.Settings, "connect_timeout")
			s := &session.Session{Windows: true, Machine: &deleted{back: tt.back}, Emit: func(executor.Event) {}}
			began := time.Now()
			err := s.Do(t.Context(), &planner.Work{Communicator: c, Steps: greeting})
			if got := time.Since(began); got != tt.after || err == nil || !strings.Contains(err.Error(), "machine cad-1 is gone: something else deleted it") {
				t.Errorf("%s: after %s: %v", tt.communicator, got, err)
			}
		})
	}
}

// An interruption ends the waiting at once.
func TestConnectingInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(stop) })
		s := &session.Session{Windows: true, Machine: &still{}, Emit: func(executor.Event) {}}
		began := time.Now()
		err := s.Do(ctx, &planner.Work{Communicator: winrm(planner.Object{"connect_timeout": int64(600)}), Steps: greeting})
		if !errors.Is(err, stop) || time.Since(began) != time.Minute {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

// Settings that cannot work are refused before anything is sent.
func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		c    planner.Communicator
		want string
	}{
		"ssm":             {planner.Communicator{Type: "ssm"}, "Systems Manager does not list it"},
		"unknown":         {planner.Communicator{Type: "telnet"}, `There is no communicator "telnet"`},
		"basic over http": {winrm(planner.Object{"http": true, "authentication": "basic"}), "Over HTTP the messages are sealed by NTLM alone"},
		"no password":     {planner.Communicator{Type: "winrm", Settings: planner.Object{"username": "x"}}, "needs a username and a password"},
		"kerberos":        {winrm(planner.Object{"authentication": "kerberos"}), "Kerberos cannot be used with an address"},
		"no realm":        {winrm(planner.Object{"authentication": "kerberos", "host": "b.corp.example"}), "No realm is known"},
		"no pair":         {winrm(planner.Object{"authentication": "certificate"}), "are no pair in PEM"},
		"a wrong CA":      {winrm(planner.Object{"ca_certificate": "x"}), "ca_certificate holds no certificate"},
		"no bucket":       {planner.Communicator{Type: "s3"}, "needs a bucket"},
		"no host key":     {planner.Communicator{Type: "ssh", Settings: planner.Object{"username": "x"}, Secrets: map[string]string{"password": "x"}}, "which host key"},
		"no SSH key":      {planner.Communicator{Type: "ssh", Settings: planner.Object{"username": "x"}}, "a private_key or a password"},
		"a secret":        {planner.Communicator{Type: "s3", Secrets: map[string]string{"key": "ssm:/key"}}, "key is kept in ssm:/key, which cannot be asked here"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &session.Session{Windows: true, Machine: &here{}, Emit: func(executor.Event) {}}
			err := s.Do(t.Context(), &planner.Work{Communicator: tt.c, Steps: greeting})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("it ended with %v, want %q", err, tt.want)
			}
		})
	}
}

type here struct{ still }

func (*here) Address(context.Context) (string, error) { return "127.0.0.1", nil }

// A memory is a bucket whose machine answers as the test says.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	// answer is called with each job; what it returns is left under results/<machine>/.
	answer func(job map[string]any, leave func(name, body string))
}

func (m *memory) Put(_ context.Context, key string, content planner.Content) error {
	r, err := content.Open()
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.objects[key] = raw
	m.mu.Unlock()
	if key != "jobs/m/job.json" {
		return nil
	}
	var e struct{ Message []byte }
	var job map[string]any
	if err := errors.Join(json.Unmarshal(raw, &e), json.Unmarshal(e.Message, &job)); err != nil {
		return err
	}
	m.answer(job, func(name, body string) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.objects["results/m/"+name] = []byte(body)
	})
	return nil
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if raw, ok := m.objects[key]; ok {
		return raw, nil
	}
	return nil, session.ErrNoObject
}

func (*memory) Presign(context.Context, string, time.Duration) (string, error) { return "", nil }

// done leaves a result.
func done(job map[string]any, leave func(string, string), exit int, output ...string) {
	nonce := job["nonce"].(string)
	if len(output) > 0 {
		leave(nonce+"/log-000001", strings.Join(output, "\n")+"\n")
	}
	leave(nonce+"/result.json", string(session.Sealed(hmacKey, fmt.Sprintf(`{"run":%q,"nonce":%q,"exit":%d,"pieces":%d}`, job["run"], nonce, exit, min(len(output), 1)))))
}

// isScript tells the test's own script from those that prove that the machine answers.
func isScript(job map[string]any) bool { return strings.Contains(job["script"].(string), "'hello'") }

func TestPulling(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(job map[string]any, leave func(string, string))
		want   string // of the error
		line   string // of the log
		took   time.Duration
	}{
		"output": {func(job map[string]any, leave func(string, string)) {
			done(job, leave, 0, `{"t":"hello"}`, `{"t":"oh","e":true}`, "no JSON")
		}, "", "greet: no JSON", 0},
		"exit status": {func(job map[string]any, leave func(string, string)) { done(job, leave, 5, `{"t":"oh","e":true}`) }, "exit status 5", "greet: oh", 0},
		"another result": {func(job map[string]any, leave func(string, string)) {
			leave(job["nonce"].(string)+"/result.json", string(session.Sealed(hmacKey, `{"run":"run-1","nonce":"old"}`)))
		}, "is not to be trusted", "", 0},
		"forged": {func(job map[string]any, leave func(string, string)) {
			leave(job["nonce"].(string)+"/result.json", string(session.Sealed("ff"+hmacKey[2:], `{}`)))
		}, "the signature is not the machine's", "", 0},
		"late, but alive": {func(job map[string]any, leave func(string, string)) {
			go func() {
				for range 40 {
					time.Sleep(15 * time.Second)
					leave(job["nonce"].(string)+"/beat.json", `{"state":"working","at":"`+time.Now().Format(time.RFC3339Nano)+`"}`)
				}
				done(job, leave, 0)
			}()
		}, "", "", 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var lines []string
				m := &memory{objects: map[string][]byte{}, answer: func(job map[string]any, leave func(string, string)) {
					if isScript(job) {
						tt.answer(job, leave)
					} else {
						done(job, leave, 0, `{"t":"boot 1"}`)
					}
				}}
				s := &session.Session{Windows: true, Name: "m", Run: "run-1", Machine: &here{}, Objects: m, Emit: func(e executor.Event) {
					if l, ok := e.(executor.Log); ok {
						lines = append(lines, l.Source+": "+l.Line)
					}
				}}
				began := time.Now()
				err := s.Do(t.Context(), &planner.Work{
					Communicator: planner.Communicator{Type: "s3", Settings: planner.Object{"bucket": "b"}, Secrets: map[string]string{"key": hmacKey}}, Steps: greeting,
				})
				if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("it ended with %v, want %q", err, tt.want)
				}
				if tt.line != "" && !strings.Contains(strings.Join(lines, "\n"), tt.line) {
					t.Errorf("the log lacks %q: %q", tt.line, lines)
				}
				if took := time.Since(began); took < tt.took || took > tt.took+15*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// A machine that went down under a script is waited for, and the work goes on behind it. One that did not, but
// gives no answer, is a failure.
func TestRestartUnderScript(t *testing.T) {
	for _, restarts := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var lines []string
			boot := 1
			m := &memory{objects: map[string][]byte{}, answer: func(job map[string]any, leave func(string, string)) {
				if !isScript(job) {
					done(job, leave, 0, fmt.Sprintf(`{"t":"boot %d"}`, boot))
				} else if restarts {
					boot++
				}
			}}
			s := &session.Session{Windows: true, Name: "m", Machine: &here{}, Objects: m, Emit: func(e executor.Event) {
				if l, ok := e.(executor.Log); ok {
					lines = append(lines, l.Line)
				}
			}}
			began := time.Now()
			err := s.Do(t.Context(), &planner.Work{
				Communicator: planner.Communicator{Type: "s3", Settings: planner.Object{"bucket": "b", "heartbeat_timeout": int64(120)}, Secrets: map[string]string{"key": hmacKey}}, Steps: greeting,
			})
			least, most := 2*time.Minute, 150*time.Second
			if !restarts {
				least, most = 5*time.Minute, 330*time.Second
			}
			if took := time.Since(began); took < least || took > most {
				t.Errorf("it took %s", took)
			}
			if restarts && err != nil || !restarts && (err == nil || !strings.Contains(err.Error(), "the machine has not restarted")) {
				t.Errorf("it ended with %v", err)
			}
			if text := strings.Join(lines, "\n"); !strings.Contains(text, "no sign of life for 2m0s; if the machine restarted, its exit status is not known") {
				t.Errorf("the log is %q", lines)
			}
		})
	}
}

// A job is bound to its machine, its run and its hour, and signed.
func TestJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]bool{}
		m := &memory{objects: map[string][]byte{}}
		m.answer = func(job map[string]any, leave func(string, string)) {
			nonce := job["nonce"].(string)
			expires, err := time.Parse(time.RFC3339, job["expires"].(string))
			if left := time.Until(expires); err != nil || left < 29*time.Minute || left > 30*time.Minute || job["machine"] != "m" || job["run"] != "run-1" || seen[nonce] {
				t.Errorf("the job is %v", job)
			}
			seen[nonce] = true
			done(job, leave, 0, `{"t":"boot 1"}`)
		}
		s := &session.Session{Windows: true, Name: "m", Run: "run-1", Machine: &here{}, Objects: m, Emit: func(executor.Event) {}}
		w := &planner.Work{Communicator: planner.Communicator{Type: "s3", Settings: planner.Object{"bucket": "b"}, Secrets: map[string]string{"key": "ed25519:" + strings.Repeat("01", 32)}}, Steps: greeting}
		if err := s.Do(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		var e struct{ Algorithm, Message, Signature string }
		if err := json.Unmarshal(m.objects["jobs/m/job.json"], &e); err != nil {
			t.Fatal(err)
		}
		if raw, err := base64.StdEncoding.DecodeString(e.Message); err != nil || e.Algorithm != "Ed25519" || len(e.Signature) != 128 || !json.Valid(raw) {
			t.Errorf("the envelope is %+v", e)
		}
	})
}

// What a machine says may hold a secret; the log does not.
func TestCovered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		m := &memory{objects: map[string][]byte{}, answer: func(job map[string]any, leave func(string, string)) {
			done(job, leave, map[bool]int{true: 1}[isScript(job)], `{"t":"the key is `+hmacKey+`","e":true}`)
		}}
		s := &session.Session{Windows: true, Name: "m", Machine: &here{}, Objects: m, Emit: func(e executor.Event) {
			if l, ok := e.(executor.Log); ok {
				lines = append(lines, l.Line)
			}
		}}
		err := s.Do(t.Context(), &planner.Work{Communicator: planner.Communicator{Type: "s3", Settings: planner.Object{"bucket": "b"}, Secrets: map[string]string{"key": hmacKey}}, Steps: greeting})
		f, ok := errors.AsType[*executor.Failure](err)
		if !ok || f.Stderr != "the key is (sensitive)" || f.ExitStatus != "exit status 1" {
			t.Errorf("it ended with %+v", f)
		}
		if text := strings.Join(lines, "\n"); strings.Contains(text, hmacKey) || !strings.Contains(text, "(sensitive)") {
			t.Errorf("the log is %q", lines)
		}
	})
}
