package session

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/org/imagebuild-action/planner"
)

// Parts of the package that parse what others wrote, or write what others parse.
var (
	ParseCLIXML      = parseCLIXML
	ParsePiece       = parsePiece
	SealedParts      = sealedParts
	WindowsArguments = windowsArguments
	PSQuote          = psQuote
	SessionScript    = checkSessionScript
	EncodedCommand   = encodedCommand
)

// Answer is what Image Assistant said.
func Answer(lines []string, exit int) (status int, message string, applications int) {
	a := parseAssistant(lines, exit)
	return a.Status, a.Message, len(a.Applications)
}

// Filter passes text through the filter of CLIXML, in pieces.
func Filter(pieces ...string) string {
	var out bytesWriter
	f := &clixmlFilter{to: &out}
	for _, p := range pieces {
		if _, err := f.Write([]byte(p)); err != nil {
			return err.Error()
		}
	}
	if err := f.end(); err != nil {
		return err.Error()
	}
	return string(out)
}

type bytesWriter []byte

func (b *bytesWriter) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

// ReadResult opens a result of a job of the run and nonce given.
func ReadResult(key string, raw []byte, run, nonce string) (exit int, err error) {
	s, err := newSigner(key)
	if err != nil {
		return 0, err
	}
	r, err := readResult(s, raw, job{Run: run, Nonce: nonce})
	return r.Exit, err
}

// Sealed is a message in an envelope.
func Sealed(key string, message string) []byte {
	s, err := newSigner(key)
	if err != nil {
		panic(err)
	}
	raw, err := sealMessage(s, []byte(message))
	if err != nil {
		panic(err)
	}
	return raw
}

// Verify says whether a certificate is trusted as the settings have it.
func Verify(thumbprint string, firstUse bool, raw ...[]byte) error {
	t := &trust{thumbprint: thumbprint, firstUse: firstUse, say: func(string) {}}
	for _, r := range raw {
		if err := t.verify(tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: r}}}); err != nil {
			return err
		}
	}
	return nil
}

// Arguments are those of create-image and of add-application.
func Arguments(create, add planner.Object) (image, application []string) {
	return createArguments(create, true), applicationOf(add).arguments()
}
