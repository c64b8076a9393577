package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// operation carries out a script of imagebuild's own by its heading. done is false for one that the
// script's own shell does better: in Linux there is a real one.
func (m *guestMachineState) operation(op guestOperation, s guestScript, out *guestWriter) (exit int, done bool) {
	switch op.Do {
	case "exec":
		if len(op.Argv) == 0 {
			return 1, true
		}
		if name := programName(op.Argv[0]); name == "image-assistant" || name == "appstreamimageassistant" {
			return m.assistant(op.Argv[1:], out), true
		}
	case "restart":
		return m.restart(out), true
	case "booted":
		out.line(fmt.Sprintf("boot %d", m.state().Boots))
		return 0, true
	case "pending":
		return 0, true
	}
	if !m.windows() {
		return 0, false
	}
	act := map[string]func(guestOperation, string, *guestWriter) error{
		"append": m.appendFile, "digest": m.digestFile, "fetch": m.fetchFile, "glob": m.globFiles, "remove": m.removeFile,
	}[op.Do]
	if act == nil {
		return 0, false
	}
	if err := act(op, s.text, out); err != nil {
		out.error(err.Error())
		return 1, true
	}
	return 0, true
}

// shutdownAfter is how long a machine that was told to restart goes on, as shutdown.exe's /t has it.
const shutdownAfter = 300 * time.Millisecond

// restart has the service restart the machine.
func (m *guestMachineState) restart(out *guestWriter) int {
	m.guest.ending.Go(func() {
		t := time.NewTimer(shutdownAfter)
		defer t.Stop()
		select {
		case <-m.ctx.Done():
			return
		case <-t.C:
		}
		if err := m.guest.service.reboot(m.spec.ARN); err != nil {
			m.guest.log(err.Error())
		}
	})
	out.line("restarting")
	return 0
}

// files is the disk of a Windows machine; nothing leads out of it.
func (m *guestMachineState) files() (*os.Root, error) { return os.OpenRoot(m.disk()) }

func (m *guestMachineState) appendFile(op guestOperation, script string, _ *guestWriter) error {
	found := appended().FindStringSubmatch(script)
	if found == nil {
		return fmt.Errorf("nothing to append to %s", op.Path)
	}
	data, err := base64.StdEncoding.DecodeString(found[1])
	if err != nil {
		return err
	}
	mode := os.O_APPEND
	if op.Start {
		mode = os.O_TRUNC
	}
	return m.write(op.Path, mode, data)
}

func (m *guestMachineState) write(name string, mode int, data []byte) error {
	root, err := m.files()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // nothing is written through the directory itself
	p := windowsPath(name)
	if err = root.MkdirAll(path.Dir(p), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(p, os.O_WRONLY|os.O_CREATE|mode, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return firstError(err, f.Close())
}

func (m *guestMachineState) read(name string) ([]byte, error) {
	root, err := m.files()
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // opened for reading
	return root.ReadFile(windowsPath(name))
}

func (m *guestMachineState) exists(name string) (fs.FileInfo, bool) {
	root, err := m.files()
	if err != nil {
		return nil, false
	}
	defer root.Close() //nolint:errcheck // as above
	info, err := root.Stat(windowsPath(name))
	return info, err == nil
}

func (m *guestMachineState) digestFile(op guestOperation, _ string, out *guestWriter) error {
	raw, err := m.read(op.Path)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	out.line(hex.EncodeToString(sum[:]))
	return nil
}

// maxGuestFile bounds what the machine downloads.
const maxGuestFile = 512 << 20

func (m *guestMachineState) fetchFile(op guestOperation, _ string, out *guestWriter) error {
	raw, err := m.download(m.ctx, op.URL)
	if err != nil {
		return err
	}
	if err := m.write(op.Path, os.O_TRUNC, raw); err != nil {
		return err
	}
	return m.digestFile(op, "", out)
}

func (m *guestMachineState) download(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxGuestFile))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the object cannot be fetched: HTTP status %d", resp.StatusCode)
	}
	return raw, firstError(err, resp.Body.Close())
}

// place puts a file where a job wants it. In Linux a copy made inside of the root follows the links there.
func (m *guestMachineState) place(ctx context.Context, name string, raw []byte, out *guestWriter) error {
	if m.windows() {
		return m.write(name, os.O_TRUNC, raw)
	}
	folder := filepath.Join(m.disk(), guestFolder)
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // it belongs to the machine's root
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "fetched"), raw, 0o644); err != nil { //nolint:gosec // as above
		return err
	}
	to := "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	if exit := m.inRoot(ctx, `mkdir -p "$(dirname `+to+`)" && cp /`+guestFolder+`/fetched `+to, "", nil, out); exit != 0 {
		return fmt.Errorf("exit status %d", exit)
	}
	return nil
}

func (m *guestMachineState) removeFile(op guestOperation, _ string, _ *guestWriter) error {
	root, err := m.files()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // as above
	return root.Remove(windowsPath(op.Path))
}

// globFiles writes the manifest of the files that globs find, directories taken with all that is in them.
func (m *guestMachineState) globFiles(op guestOperation, _ string, out *guestWriter) error {
	root, err := m.files()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // as above
	var found []string
	for _, g := range op.Globs {
		matches, err := fs.Glob(root.FS(), windowsPath(g))
		if err != nil {
			return err
		}
		for _, start := range matches {
			err := fs.WalkDir(root.FS(), start, func(p string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					found = append(found, drivePath(p))
				}
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	out.line(fmt.Sprintf("%d files", len(found)))
	return m.write(op.Path, os.O_TRUNC, []byte(strings.Join(append(found, ""), "\r\n")))
}

// drivePath undoes windowsPath.
func drivePath(p string) string {
	drive, rest, _ := strings.Cut(p, "/")
	return strings.ToUpper(drive) + `:\` + strings.ReplaceAll(rest, "/", `\`)
}
