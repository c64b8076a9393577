package report

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/org/imagebuild-action/dsl"
	"github.com/org/imagebuild-action/planner"
)

// maxInlineContent is the size up to which a script holds a staged file itself.
const maxInlineContent = 64 << 10

// sensitive says whether anything the script holds is a secret.
func (s *script) sensitive() (bool, error) {
	g := s.plan.Graph
	if g == nil || g.Config == nil || len(g.Config.Secrets) == 0 {
		return false, nil
	}
	plain, hidden := &strings.Builder{}, &strings.Builder{}
	r := Redact(hidden, g.Config.Secrets)
	out := io.MultiWriter(plain, r)
	for _, c := range s.plan.Changes {
		if !makesCall(c) {
			continue
		}
		text, err := shellJSON(map[string]any(c.Call()), "", func(dsl.Ref) (string, error) { return "", nil })
		if err != nil {
			return false, err
		}
		body, err := contentOf(c)
		if err != nil && !errors.Is(err, errTooLarge) {
			return false, err
		}
		if _, err := io.WriteString(out, text+"\n"+base64.StdEncoding.EncodeToString(body)+"\n"); err != nil {
			return false, fmt.Errorf("look for secrets: %w", err)
		}
	}
	if err := r.Close(); err != nil {
		return false, err
	}
	return plain.String() != hidden.String(), nil
}

var errTooLarge = errors.New("too large to be part of a script")

// contentOf is the body of a small staged file; of a larger one errTooLarge and nothing.
func contentOf(c *planner.Change) (body []byte, err error) {
	if c.Content == nil {
		return nil, nil
	}
	f, err := c.Content.Open()
	if err != nil {
		return nil, fmt.Errorf("read the staged file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	body, err = io.ReadAll(io.LimitReader(f, maxInlineContent+1))
	if err != nil {
		return nil, fmt.Errorf("read the staged file: %w", err)
	}
	if len(body) > maxInlineContent {
		return nil, errTooLarge
	}
	return body, nil
}

// content writes the lines that put a staged file where the call takes it from.
func (s *script) content(c *planner.Change) error {
	body, err := contentOf(c)
	if err == nil {
		fmt.Fprintf(&s.b, "base64 -d >\"$work/body\" <<'IMAGEBUILD_END'\n%s\nIMAGEBUILD_END\n", base64.StdEncoding.EncodeToString(body))
		return nil
	}
	if !errors.Is(err, errTooLarge) {
		return err
	}
	sum, n, err := digestOf(c)
	if err != nil {
		return err
	}
	fmt.Fprintf(&s.b, `# Its content is %d bytes, too many for a script. It is expected as staged/%s, or under $STAGED_DIR.
staged="${STAGED_DIR:-staged}/%s"
if ! printf '%%s  %%s\n' %s "$staged" | sha256sum -c - >/dev/null; then
  printf 'The staged file %%s is missing or another: see the comment above this check.\n' "$staged" >&2
  exit 1
fi
cp -- "$staged" "$work/body"
`, n, sum, sum, sum)
	return nil
}

// digestOf is the sha256 of a staged file in hex, and its size in bytes.
func digestOf(c *planner.Change) (sum string, size int64, err error) {
	f, err := c.Content.Open()
	if err != nil {
		return "", 0, fmt.Errorf("read the staged file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", 0, fmt.Errorf("read the staged file: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}
