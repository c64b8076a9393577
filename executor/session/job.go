package session

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The communicator s3 is a conversation through a bucket (docs/communicators.md, "The s3 protocol"):
//
//	jobs/<machine>/job.json             an envelope: one command, signed
//	files/<sha256>                      files that commands fetch
//	results/<machine>/status.json       the machine waits, or has given up waiting
//	results/<machine>/<nonce>/beat.json     it works
//	results/<machine>/<nonce>/log-000001    lines of output, in pieces
//	results/<machine>/<nonce>/result.json   how the command ended

// A job is one command for a machine.
type job struct {
	Version int       `json:"version"` // 1
	Machine string    `json:"machine"`
	Run     string    `json:"run"`
	Nonce   string    `json:"nonce"`
	Expires time.Time `json:"expires"`
	Shell   Shell     `json:"shell"`
	Script  string    `json:"script"`
	// Interpreter runs a script of the shell sh.
	Interpreter string            `json:"interpreter,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`
	Files       []jobFile         `json:"files,omitempty"`
}

// A jobFile is a file that the machine fetches before the script runs, and the sha256 that it must have.
type jobFile struct {
	URL    string `json:"url"`
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// An envelope is a message and the proof of who wrote it. What is signed are the bytes of the message, not
// their meaning, so that both sides agree on them.
type envelope struct {
	Algorithm string `json:"algorithm"` // "HMAC-SHA256" or "Ed25519"
	Message   string `json:"message"`   // base64
	Signature string `json:"signature"` // hex
}

// A result is how a job ended. The machine signs it where it can: an Ed25519 machine holds the public half alone.
type result struct {
	Run    string `json:"run"`
	Nonce  string `json:"nonce"`
	Exit   int    `json:"exit"`
	Pieces int    `json:"pieces"` // of the log
	Error  string `json:"error,omitempty"`
}

// A beat says that a job is being worked on, or that a machine waits for one.
type beat struct {
	State string    `json:"state"` // "waiting", "working", "no_job_received"
	Nonce string    `json:"nonce,omitempty"`
	At    time.Time `json:"at"`
}

// A logLine is a line of a piece of the log.
type logLine struct {
	Stderr bool   `json:"e,omitempty"`
	Text   string `json:"t"`
}

// A signer signs jobs and checks results.
type signer interface {
	algorithm() string
	sign(message []byte) []byte
	// check says whether a result is the machine's. Without a secret in common nothing can be said.
	check(message, signature []byte) bool
}

type hmacSigner []byte

func (hmacSigner) algorithm() string { return "HMAC-SHA256" }

func (k hmacSigner) sign(message []byte) []byte {
	h := hmac.New(sha256.New, k)
	h.Write(message)
	return h.Sum(nil)
}

func (k hmacSigner) check(message, signature []byte) bool {
	return hmac.Equal(k.sign(message), signature)
}

type edSigner ed25519.PrivateKey

func (edSigner) algorithm() string            { return "Ed25519" }
func (k edSigner) sign(message []byte) []byte { return ed25519.Sign(ed25519.PrivateKey(k), message) }
func (edSigner) check([]byte, []byte) bool    { return true }

// minKey is the shortest key for HMAC, in bytes.
const minKey = 16

// newSigner reads a key: "ed25519:" and the seed of 32 bytes, or the secret of HMAC, both in hex.
func newSigner(key string) (signer, error) {
	seed, ed := strings.CutPrefix(strings.TrimSpace(key), "ed25519:")
	raw, err := hex.DecodeString(seed)
	switch {
	case err != nil:
		return nil, &RefusedError{Why: "The key of the jobs is not hexadecimal.", Advice: "Make one with: openssl rand -hex 32"}
	case ed && len(raw) == ed25519.SeedSize:
		return edSigner(ed25519.NewKeyFromSeed(raw)), nil
	case ed:
		return nil, &RefusedError{Why: fmt.Sprintf("An Ed25519 key is a seed of %d bytes, and this one has %d.", ed25519.SeedSize, len(raw))}
	case len(raw) < minKey:
		return nil, &RefusedError{Why: fmt.Sprintf("The key of the jobs has %d bytes, and fewer than %d can be guessed.", len(raw), minKey), Advice: "Make one with: openssl rand -hex 32"}
	}
	return hmacSigner(raw), nil
}

func sealJob(s signer, j job) ([]byte, error) {
	message, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	return sealMessage(s, message)
}

// sealMessage puts a message into its envelope.
func sealMessage(s signer, message []byte) ([]byte, error) {
	return json.Marshal(envelope{s.algorithm(), base64.StdEncoding.EncodeToString(message), hex.EncodeToString(s.sign(message))})
}

var errForged = errors.New("the signature is not the machine's")

// readResult opens a result that belongs to a job. Another job's is an error: what lies there may be left over,
// or put there by somebody else.
func readResult(s signer, raw []byte, j job) (result, error) {
	var e envelope
	var r result
	if err := json.Unmarshal(raw, &e); err != nil {
		return r, fmt.Errorf("reading a result: %w", err)
	}
	message, err := base64.StdEncoding.DecodeString(e.Message)
	if err != nil {
		return r, fmt.Errorf("reading a result: %w", err)
	}
	signature, err := hex.DecodeString(e.Signature)
	if err != nil || !s.check(message, signature) {
		return r, errForged
	}
	if err := json.Unmarshal(message, &r); err != nil {
		return r, fmt.Errorf("reading a result: %w", err)
	}
	if r.Run != j.Run || r.Nonce != j.Nonce {
		return r, fmt.Errorf("the result is of run %q and nonce %q, and not of this job", r.Run, r.Nonce)
	}
	if r.Pieces < 0 || r.Pieces > maxPieces {
		return r, fmt.Errorf("the result speaks of %d pieces of log", r.Pieces)
	}
	return r, nil
}

// maxPieces bounds how many pieces a log may have.
const maxPieces = 1 << 20

// parsePiece reads a piece of a log: a line of JSON each. What is none is a line as it stands.
func parsePiece(raw []byte) []Line {
	var out []Line
	for text := range strings.Lines(string(raw)) {
		text = strings.TrimRight(text, "\r\n")
		var l logLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			l = logLine{Text: text}
		}
		out = append(out, Line{Stderr: l.Stderr, Text: strings.ToValidUTF8(l.Text, "\uFFFD")})
	}
	return out
}

func newNonce() (string, error) {
	var b [16]byte
	_, err := rand.Read(b[:])
	return hex.EncodeToString(b[:]), err
}
