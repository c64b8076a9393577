package component

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/org/imagebuild-action/internal/usernet"
)

// proxies are those that an environment names and commands are handed.
func proxies(environ []string) []string {
	var out []string
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if upper := strings.ToUpper(name); value != "" && slices.Contains(networkVariables(), name) && strings.HasSuffix(upper, "_PROXY") && upper != "NO_PROXY" {
			out = append(out, value)
		}
	}
	return out
}

// sources are the addresses that this machine's package managers are set up with, where the root shows
// their configuration.
func (r Root) sources() []string {
	if r.kind != RootOverlay || r.spec.Base != "" {
		return nil
	}
	return packageSources()
}

var addressInText = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`https?://[^\s"';,<>\\]+`) })

// packageSources reads apt's, dnf's, zypper's, apk's, pacman's, pip's and npm's own files. A machine without one of them
// has none of its files.
func packageSources() []string {
	var out []string
	for _, pattern := range []string{
		"/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources", "/etc/apt/mirrors/*",
		"/etc/apt/apt.conf", "/etc/apt/apt.conf.d/*", "/etc/yum.conf", "/etc/dnf/dnf.conf", "/etc/yum.repos.d/*.repo",
		"/etc/zypp/repos.d/*.repo", "/etc/apk/repositories", "/etc/pacman.d/mirrorlist", "/etc/pip.conf", "/etc/npmrc",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			continue // a pattern of ours is well formed
		}
		for _, f := range files {
			raw, err := os.ReadFile(f) //nolint:gosec // the machine's own configuration
			if err != nil || len(raw) > 1<<20 {
				continue
			}
			for line := range strings.Lines(string(raw)) {
				if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "//") {
					out = append(out, addressInText().FindAllString(line, -1)...)
				}
			}
		}
	}
	return out
}

// privateMirrors are those of the machine's package sources and proxies that lie in a private network,
// as "host:port". Names are looked up at once, and for a second at most.
func (r Root) privateMirrors(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var candidates []string
	for _, address := range append(proxies(r.spec.Environ), r.sources()...) {
		if at, ok := hostPort(address); ok && !loopback(at) {
			candidates = append(candidates, at)
		}
	}
	slices.Sort(candidates)
	candidates = slices.Compact(candidates)
	found := make([]bool, len(candidates))
	var all sync.WaitGroup
	for i, at := range candidates {
		all.Go(func() {
			host, _, err := net.SplitHostPort(at)
			if err != nil {
				return
			}
			addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
			found[i] = err == nil && slices.ContainsFunc(addresses, usernet.Private)
		})
	}
	all.Wait()
	var out []string
	for i, at := range candidates {
		if found[i] {
			out = append(out, at)
		}
	}
	return out
}
