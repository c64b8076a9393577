package component

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// masks are the directories of the machine that appear empty: what this run itself is made of, and where people,
// clouds and registries keep secrets.
func (r Root) masks(own []string) []string {
	if r.spec.Base != "" {
		return nil // nothing of the machine is seen
	}
	list := slices.Concat([]string{"/root"}, r.spec.Mask, own, homes(r.spec.Environ), secretPaths(), named(r.spec.Environ))
	entries, err := os.ReadDir("/home")
	if err == nil {
		for _, e := range entries {
			list = append(list, filepath.Join("/home", e.Name()))
		}
	}
	var out []string
	for _, path := range list {
		full, err := filepath.EvalSymlinks(path)
		if err != nil || !filepath.IsAbs(full) || systemDirectory(full) {
			continue
		}
		out = append(out, full)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// systemDirectory keeps a $HOME of "/" or "/usr" from emptying the system.
func systemDirectory(path string) bool {
	return path == "/" || slices.Contains([]string{
		"/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/opt", "/proc", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/local", "/var", "/var/lib", "/var/tmp",
	}, path)
}

// homes are those of the caller, of root and of the people of passwd(5), wherever they lie.
func homes(environ []string) []string {
	var out []string
	for _, kv := range environ {
		if home, ok := strings.CutPrefix(kv, "HOME="); ok && filepath.IsAbs(home) {
			out = append(out, home)
		}
	}
	raw, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return out
	}
	for line := range strings.Lines(string(raw)) {
		f := strings.Split(line, ":")
		if len(f) < 7 || !filepath.IsAbs(f[5]) {
			continue
		}
		// login.defs(5): people are from 1000 on; 65534 is nobody.
		if uid, err := strconv.Atoi(f[2]); err == nil && (uid == 0 || uid == os.Geteuid() || uid >= 1000 && uid != 65534) {
			out = append(out, f[5])
		}
	}
	return out
}

// secretPaths are where services keep keys and tokens. apt's and dnf's own passwords stay: packages are installed with them.
func secretPaths() []string {
	out := []string{
		"/etc/ssl/private", "/etc/pki/tls/private", "/etc/krb5.keytab", "/etc/kubernetes", "/etc/rancher", "/etc/wireguard", "/etc/openvpn",
		"/etc/NetworkManager/system-connections", "/etc/letsencrypt", "/etc/boto.cfg", "/etc/containers/auth.json", "/etc/docker/certs.d",
		"/var/lib/amazon", "/var/lib/cloud", "/var/lib/containerd", "/var/lib/containers", "/var/lib/docker", "/var/lib/google", "/var/lib/kubelet",
		"/var/lib/rancher", "/var/lib/waagent", "/var/snap/docker",
	}
	for _, pattern := range []string{"/etc/ssh/ssh_host_*_key", "/etc/shadow-", "/etc/gshadow-", "/var/backups/shadow*", "/var/backups/gshadow*"} {
		if found, err := filepath.Glob(pattern); err == nil { // a pattern of ours is well formed
			out = append(out, found...)
		}
	}
	return out
}

// named are the files and directories of credentials that an environment names.
func named(environ []string) []string {
	var out []string
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if !slices.Contains([]string{
			"AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
			"GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "AZURE_CONFIG_DIR", "AZURE_FEDERATED_TOKEN_FILE", "DOCKER_CONFIG",
			"REGISTRY_AUTH_FILE", "KUBECONFIG", "NPM_CONFIG_USERCONFIG", "NETRC", "GH_CONFIG_DIR", "GNUPGHOME", "CARGO_HOME",
			"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "VAULT_TOKEN_FILE", "SSH_AUTH_SOCK",
		}, name) {
			continue
		}
		for _, path := range filepath.SplitList(value) {
			if filepath.IsAbs(path) {
				out = append(out, path)
			}
		}
	}
	return out
}

// maskFile hides a file of the machine. Root deletes it from the view; in a user namespace, where nobody
// can mark that, it appears empty.
func (s *setup) maskFile(at string) error {
	if !s.User {
		return unix.Mknod(at, unix.S_IFCHR, 0)
	}
	return os.WriteFile(at, nil, 0o600)
}

// maskPasswords shows the users of shadow(5) and their groups without passwords: package managers add
// theirs to the files. Who may not read them does not see them either.
func (s *setup) maskPasswords(layer string) error {
	if s.Base != "" {
		return nil
	}
	for _, name := range []string{"etc/shadow", "etc/gshadow"} {
		raw, err := os.ReadFile("/" + name) //nolint:gosec // one of the two above
		if err != nil {
			continue
		}
		var out strings.Builder
		for line := range strings.Lines(string(raw)) {
			if f := strings.SplitN(line, ":", 3); len(f) == 3 {
				out.WriteString(f[0] + ":*:" + f[2])
			}
		}
		if err := s.maskParents(layer, filepath.Dir(name)); err != nil {
			return err
		}
		at := filepath.Join(layer, name)
		if err := os.WriteFile(at, []byte(out.String()), 0o600); err != nil {
			return err
		}
		if err := likeHost(at, filepath.Join("/", name)); err != nil {
			return err
		}
	}
	return nil
}
