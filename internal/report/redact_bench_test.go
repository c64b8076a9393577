package report_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/report"
)

// BenchmarkRedact covers 1,000 secrets in 4 MiB of a log, line by line.
func BenchmarkRedact(b *testing.B) {
	secrets := make([]string, 1000)
	for i := range secrets {
		secrets[i] = fmt.Sprintf("secret number %d's <text>", i)
	}
	line := strings.Repeat("the same second secret of seven sentences ", 3) + "\n"
	lines := 4 << 20 / len(line)
	b.SetBytes(int64(lines * len(line)))
	for b.Loop() {
		r := report.Redact(io.Discard, secrets)
		for range lines {
			if _, err := io.WriteString(r, line); err != nil {
				b.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
