package session_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/executor/session"
	"github.com/org/imagebuild-action/planner"
)

func TestAnswer(t *testing.T) {
	const banner = "ConsoleImageBuilder 4.0.0.886\nERROR(S):\n  Option 'x' is unknown."
	for _, tt := range []struct {
		name    string
		lines   []string
		exit    int
		status  int
		message string
		apps    int
	}{
		{"success", []string{`{"status":0,"message":"Success"}`}, 0, 0, "Success", 0},
		{"applications", []string{`{"status":0,"message":"Success","applications":[{"name":"a"},{"name":"b"}]}`}, 0, 0, "Success", 2},
		{"text around it", []string{"WARNING: {x", `{"status":1,"message":"App not found"}  `, "done"}, 1, 1, "App not found", 0},
		{"byte order mark", []string{"\ufeff" + `{"status":1,"message":"Name is not unique"}`}, 1, 1, "Name is not unique", 0},
		{"banner", strings.Split(banner, "\n"), 1, 1, banner, 0},
		{"the exit status counts too", []string{`{"status":0,"message":"Success"}`}, 255, 255, "Success", 0},
		{"broken", []string{`{"status":`}, 255, 255, `{"status":`, 0},
		{"nothing", nil, 3, 3, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, message, apps := session.Answer(tt.lines, tt.exit)
			if status != tt.status || message != tt.message || apps != tt.apps {
				t.Errorf("status %d, %q, %d applications; want %d, %q, %d", status, message, apps, tt.status, tt.message, tt.apps)
			}
		})
	}
}

const clixml = `<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj S="progress" RefId="0"><MS><S N="x">not shown</S></MS></Obj>` +
	`<S S="Error">at line:1 _x000D__x000A_</S><S S="Error">smile _xD83D__xDE00_ &lt;_x005F_x_x000A_</S></Objs>`

func TestCLIXML(t *testing.T) {
	const want = "at line:1 \r\nsmile \U0001f600 <_x\n"
	doc := "before\n#< CLIXML\r\n" + clixml
	for cut := range doc {
		if got := session.Filter(doc[:cut], doc[cut:]); got != "before\n"+want {
			t.Fatalf("cut at %d: %q, want %q", cut, got, "before\n"+want)
		}
	}
	for _, text := range []string{"plain", "a\nb\n", "#< CLI", "#< CLIXML\nno xml"} {
		if got := session.Filter(text); got != strings.TrimPrefix(text, "#< CLIXML\n") {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// What is written for Windows programs is what they read.
func TestWindowsArguments(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "a b": `"a b"`, "": `""`, `C:\a b\`: `"C:\a b\\"`, `say "hi"`: `"say \"hi\""`, `a\"b`: `"a\\\"b"`, `C:\x\`: `C:\x\`,
	} {
		if got := session.WindowsArguments([]string{in}); got != want {
			t.Errorf("%q is quoted %s, want %s", in, got, want)
		}
	}
	if got := session.PSQuote("it's ‘so’"); got != "'it''s ‘‘so’’'" {
		t.Errorf("PowerShell's string is %s", got)
	}
}

// The agent is always said, and what begins with a hyphen is no option.
func TestArguments(t *testing.T) {
	image, app := session.Arguments(
		planner.Object{"name": "n", "description": "-d", "agent": "pinned", "tags": map[string]any{"b": "2", "a": "1"}},
		planner.Object{"name": "cad", "path": `C:\cad.exe`, "launch_parameters": "-file x", "working_directory": `C:\`},
	)
	want := []string{"create-image", "--name", "n", "--description", " -d", "--no-enable-dynamic-app-catalog", "--no-use-latest-agent-version", "--tags", "a", "1", "b", "2", "--dry-run"}
	if !slices.Equal(image, want) {
		t.Errorf("create-image is called with %q", image)
	}
	if want := []string{"add-application", "--name", "cad", "--absolute-app-path", `C:\cad.exe`, "--working-directory", `C:\`, "--launch-parameters", " -file x"}; !slices.Equal(app, want) {
		t.Errorf("add-application is called with %q", app)
	}
	if image, _ := session.Arguments(planner.Object{"name": "n", "agent": "latest", "dynamic_app_catalog": true}, nil); !slices.Contains(image, "--use-latest-agent-version") || !slices.Contains(image, "--enable-dynamic-app-catalog") {
		t.Errorf("create-image is called with %q", image)
	}
}

func TestSessionScript(t *testing.T) {
	executable := map[string]any{"context": "user", "filename": "a.exe"}
	event := func(wait int64, e map[string]any) planner.Object {
		return planner.Object{"SessionStart": map[string]any{"waitingTime": wait, "executables": []any{e}}}
	}
	for _, tt := range []struct {
		config planner.Object
		want   string
	}{
		{event(60, executable), ""},
		{event(61, executable), "SessionStart waits 61 seconds"},
		{event(1, map[string]any{"context": "root", "filename": "a"}), `has the context "root"`},
		{event(1, map[string]any{"context": "user"}), `the file name ""`},
		{planner.Object{"SessionPause": map[string]any{}}, `no session event "SessionPause"`},
		{planner.Object{"SessionStart": "x"}, "not what AppStream reads"},
	} {
		_, err := session.SessionScript(tt.config)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v is answered with %v, want %q", tt.config, err, tt.want)
		}
	}
}

func TestTrust(t *testing.T) {
	a, b := []byte("one certificate"), []byte("another")
	short, long := sha1.Sum(a), sha256.Sum256(a)
	spaced := strings.ToUpper(hex.EncodeToString(short[:]))
	spaced = spaced[:2] + ":" + spaced[2:4] + " " + spaced[4:]
	for name, tt := range map[string]struct {
		thumbprint string
		firstUse   bool
		raw        [][]byte
		want       string
	}{
		"pinned by SHA-1":   {spaced, false, [][]byte{a, a}, ""},
		"pinned by SHA-256": {hex.EncodeToString(long[:]), false, [][]byte{a}, ""},
		"another":           {hex.EncodeToString(long[:]), false, [][]byte{b}, "is pinned"},
		"first use":         {"", true, [][]byte{a, a}, ""},
		"changed":           {"", true, [][]byte{a, b}, "changed in the middle of the work"},
		"pinned wins":       {spaced, true, [][]byte{b}, "is pinned"},
	} {
		err := session.Verify(tt.thumbprint, tt.firstUse, tt.raw...)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

const hmacKey = "000102030405060708090a0b0c0d0e0f"

func TestResult(t *testing.T) {
	right := `{"run":"r","nonce":"n","exit":7,"pieces":1}`
	for name, tt := range map[string]struct {
		key string
		raw []byte
		err string
	}{
		"right":           {hmacKey, session.Sealed(hmacKey, right), ""},
		"forged":          {hmacKey, session.Sealed("ff"+hmacKey[2:], right), "the signature is not the machine's"},
		"of another run":  {hmacKey, session.Sealed(hmacKey, `{"run":"x","nonce":"n"}`), `of run "x"`},
		"left over":       {hmacKey, session.Sealed(hmacKey, `{"run":"r","nonce":"old"}`), `nonce "old"`},
		"too many pieces": {hmacKey, session.Sealed(hmacKey, `{"run":"r","nonce":"n","pieces":999999999}`), "pieces of log"},
		"no JSON":         {hmacKey, []byte("x"), "reading a result"},
		"a short key":     {"0001", nil, "can be guessed"},
		"no hexadecimal":  {"secret", nil, "not hexadecimal"},
		"a short Ed25519": {"ed25519:00", nil, "seed of 32 bytes"},
	} {
		exit, err := session.ReadResult(tt.key, tt.raw, "r", "n")
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want %q", name, err, tt.err)
		}
		if err == nil && exit != 7 {
			t.Errorf("%s: exit status %d", name, exit)
		}
	}
}

func FuzzAssistant(f *testing.F) {
	f.Add(`{"status":0,"message":"Success","applications":[{"name":"a"}]}`, 0)
	f.Add("ConsoleImageBuilder 4.0.0.886\nERROR(S):", 1)
	f.Fuzz(func(t *testing.T, text string, exit int) {
		status, _, _ := session.Answer(strings.Split(text, "\n"), exit)
		if exit != 0 && status == 0 {
			t.Errorf("exit status %d counts as success", exit)
		}
	})
}

func FuzzCLIXML(f *testing.F) {
	f.Add("#< CLIXML\n"+clixml, 5)
	f.Add("a\n#< CLIXML\n<Objs></Objs>b", 3)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		cut = min(max(cut, 0), len(text))
		if whole, parts := session.Filter(text), session.Filter(text[:cut], text[cut:]); whole != parts {
			t.Errorf("in one piece %q, in two %q", whole, parts)
		}
	})
}

func FuzzResult(f *testing.F) {
	f.Add(session.Sealed(hmacKey, `{"run":"r","nonce":"n","exit":7}`))
	f.Add([]byte(`{"algorithm":"HMAC-SHA256","message":"","signature":""}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := session.ReadResult(hmacKey, raw, "r", "another nonce"); err == nil {
			t.Error("a result of another job was taken")
		}
		for _, l := range session.ParsePiece(raw) {
			if strings.Contains(l.Text, "\n") && !strings.Contains(string(raw), `\n`) {
				t.Errorf("a line holds a line break: %q", l.Text)
			}
		}
	})
}

func FuzzSealed(f *testing.F) {
	f.Add([]byte("--Encrypted Boundary\r\n\tOriginalContent: type=x;Length=3\r\n--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n\x10\x00\x00\x00abc--Encrypted Boundary--\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if sealed, length, err := session.SealedParts(body); err == nil && (len(sealed) < 4 || length < 0) {
			t.Errorf("%d bytes sealed, of length %d", len(sealed), length)
		}
	})
}
