package report_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/org/imagebuild-action/internal/report"
)

// redact writes s in pieces of n bytes.
func redact(tb testing.TB, s string, n int, secrets ...string) string {
	tb.Helper()
	b := &bytes.Buffer{}
	r := report.Redact(b, secrets)
	for len(s) > 0 {
		k := min(n, len(s))
		if _, err := io.WriteString(r, s[:k]); err != nil {
			tb.Fatal(err)
		}
		s = s[k:]
	}
	if err := r.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func TestRedact(t *testing.T) {
	jsonOf := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	pw := `p@ss "w<ord" &/é`
	for _, c := range []struct{ secret, text, want string }{
		{"hunter2", "a hunter2 b", "a (sensitive) b"},
		{"hunter2", "hunter2hunter2", "(sensitive)(sensitive)"},
		{"hunter2", "hunter hunter3", "hunter hunter3"},
		{"hunter2", "hunthunter2", "hunt(sensitive)"},
		{"aab", "aaab", "a(sensitive)"},
		{"ab", "ab", "ab"}, // too short to be looked for
		{"", "x", "x"},
		{pw, pw, "(sensitive)"},
		{pw, jsonOf(pw), `"(sensitive)"`},
		{pw, url.QueryEscape(pw), "(sensitive)"},
		{pw, url.PathEscape(pw), "(sensitive)"},
		{pw, strings.ToLower(url.QueryEscape(pw)), "(sensitive)"},
		{pw, base64.StdEncoding.EncodeToString([]byte(pw)), "(sensitive)"},
		{pw, base64.URLEncoding.EncodeToString([]byte(pw)), "(sensitive)"},
		{"hunter2", "x68756e7465723279", "x(sensitive)79"},
		{"hunter2", "68756E74657232", "(sensitive)"},
		{"abc", "616263", "616263"}, // may be anything
		{"line one\nline two!", "web | line one\nweb | line two!\n", "web | (sensitive)\nweb | (sensitive)\n"},
		{"pin 1\n4711\ntrue\n}", "4711 pin 1 true }", "(sensitive) (sensitive) true }"},
		{"it's me", `'it'\''s me'`, "'(sensitive)'"},
		{"it's me", `'it'"'"'s me'`, "'(sensitive)'"},
		{"it's <me>", jsonOf(`'it'"'"'s <me>'`), `"'(sensitive)'"`},
		{"it's me", `'it''s me'`, "'(sensitive)'"},
		{`a "$b"`, "\"a `\"`$b`\"\"", `"(sensitive)"`},
		{"100%sure", "set X=100%%sure", "set X=(sensitive)"},
	} {
		for _, n := range []int{1, 2, 3, 1000} {
			if got := redact(t, c.text, n, c.secret); strings.TrimRight(got, "=") != c.want {
				t.Errorf("%q hidden in %q, %d bytes at a time: %q, want %q", c.secret, c.text, n, got, c.want)
			}
		}
	}
}

func TestRedactOverlaps(t *testing.T) {
	for _, c := range []struct {
		text, want string
		secrets    []string
	}{
		{"abcdef", "(sensitive)", []string{"abc", "abcdef"}},
		{"abcdex", "(sensitive)dex", []string{"abc", "abcdef"}},
		{"abcdef", "(sensitive)", []string{"abcd", "cdef"}},
		{"xabcdefx", "x(sensitive)x", []string{"abcd", "bcd", "cdef"}},
	} {
		for n := 1; n <= len(c.text); n++ {
			if got := redact(t, c.text, n, c.secrets...); got != c.want {
				t.Errorf("%q without %q, %d bytes at a time: %q, want %q", c.text, c.secrets, n, got, c.want)
			}
		}
	}
}

func TestRedactInTheMiddleOfBase64(t *testing.T) {
	for _, before := range []string{"", "u", "us", "user:"} {
		text := base64.StdEncoding.EncodeToString([]byte(before + "correct horse battery" + "!!"))
		if got := redact(t, text, 5, "correct horse battery"); !strings.Contains(got, "(sensitive)") || len(got) > len("(sensitive)")+16 {
			t.Errorf("after %q: %q of %q", before, got, text)
		}
	}
}

// PowerShell's -EncodedCommand is the base64 of UTF-16.
func TestRedactEncodedCommand(t *testing.T) {
	for _, secret := range []string{"hunter2", `p@ss "w<ord" é`, "smile 😀 key"} {
		for _, around := range [][2]string{{"", ""}, {"x", "y"}, {"Set-Key '", "'; exit"}, {"ab", ""}} {
			var b []byte
			for _, u := range utf16.Encode([]rune(around[0] + secret + around[1])) {
				b = append(b, byte(u), byte(u>>8))
			}
			text := "powershell -EncodedCommand " + base64.StdEncoding.EncodeToString(b)
			// Of a sextet that the secret shares with what stands before or after it there is something left.
			most := len(text) - len(secret)*16/6 + len("(sensitive)") + 8
			if got := redact(t, text, 5, secret); !strings.Contains(got, "(sensitive)") || len(got) > most {
				t.Errorf("%q in %q is left in %q", secret, around, got)
			}
		}
	}
}

// Every rendering of a plan hides a secret that stands in names, reasons and documents.
func TestSecretsInRenderings(t *testing.T) {
	for _, secret := range []string{"s3cr3t", `a"b'c\d`, "tab\tbed", "p|pe<d>&`x`", "dollar$(x)", "two\nlines-of-it", "ünïcode"} {
		f := newFixture()
		f.add(secret, "because of "+secret, change("component.x", component, "create", map[string]any{"name": secret, "semanticVersion": "1.0.0", "data": "x" + secret + "y"}))
		for form := range planRenderings {
			if out := redact(t, plan(t, form, f.Plan), 7, secret); strings.Contains(out, secret) || !strings.Contains(out, "(sensitive)") {
				t.Errorf("%s with %q:\n%s", form, secret, out)
			}
		}
	}
}

func TestRedactPassesFailuresOn(t *testing.T) {
	r := report.Redact(&broken{}, []string{"secret"})
	if _, err := io.WriteString(r, "text"); !errors.Is(err, errBroken) {
		t.Errorf("write: %v", err)
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("a hunter2 b", "hunter2", "unter", 3)
	f.Add("aaaaab", "aab", "aaab", 1)
	f.Add("日本語", "本", "日本", 2)
	f.Fuzz(func(t *testing.T, text, one, two string, n int) {
		if len(text) > 4096 || len(one) > 256 || len(two) > 256 {
			return
		}
		want := redact(t, text, len(text)+1, one, two)
		if got := redact(t, text, max(1, n%64), one, two); got != want {
			t.Fatalf("in pieces %q, at once %q", got, want)
		}
		for _, s := range []string{one, two} {
			if len(s) >= report.MinSecret && strings.Contains(strings.ReplaceAll(want, "(sensitive)", "\x00\x00"), s) && !strings.Contains(s, "\x00") {
				t.Fatalf("%q is still in %q", s, want)
			}
		}
		if !strings.Contains(text, one) && !strings.Contains(text, two) && len(one) >= 64 && len(two) >= 64 && len(text) < 32 && want != text {
			t.Fatalf("%q became %q", text, want)
		}
	})
}
