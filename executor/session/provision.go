package session

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/org/imagebuild-action/planner"
)

// notRun is the exit status with which the sandbox's machines say that they lack what a script needs. There
// the line "NOT RUN: …" says why, and the work goes on: it could prove nothing.
const (
	notRun     = 20050
	notRunMark = "NOT RUN: "
)

// scriptOf is a script of the machine's own shell.
func (s *Session) scriptOf(text string, env map[string]string) Command {
	if s.Windows {
		return Command{Shell: PowerShell, Script: text, Environment: env}
	}
	return Command{Shell: Posix, Interpreter: "/bin/sh -e", Script: text, Environment: env}
}

func (s *Session) powershell(ctx context.Context, in planner.Object) error {
	return s.script(ctx, in, Command{Shell: PowerShell, Script: textOf(in, "script"), Environment: textsOf(in, "environment")})
}

func (s *Session) shell(ctx context.Context, in planner.Object) error {
	c := Command{Shell: Posix, Script: textOf(in, "script"), Environment: textsOf(in, "environment"), Interpreter: textOf(in, "interpreter")}
	switch c.Interpreter {
	case "cmd":
		c.Shell, c.Interpreter = Batch, ""
	case "":
		c.Interpreter = "/bin/sh -e"
	}
	return s.script(ctx, in, c)
}

// script runs a script of the user's and judges its exit status. A machine that went down under it is waited for:
// installers restart machines.
func (s *Session) script(ctx context.Context, in planner.Object, c Command) error {
	conn, err := s.connection(ctx)
	if err != nil {
		return err
	}
	before, err := perform(ctx, conn, operation{Do: "booted"}, s.Windows)
	if err != nil {
		return err
	}
	why := ""
	exit, err := conn.Run(ctx, c, func(l Line) {
		if text, ok := strings.CutPrefix(l.Text, notRunMark); ok && l.Stderr {
			why = text
		}
		s.print(l)
	})
	if dropped(err) {
		s.remark(fmt.Sprintf("%v; if the machine restarted, its exit status is not known, and the work goes on behind this step.", err))
		return s.comeBack(ctx, before, in, shutdownWithin)
	}
	switch {
	case err != nil:
		return err
	case exit == notRun && why != "":
		return nil // the line itself has said so
	case exit == 0 && !has(in, "valid_exit_codes"), slices.Contains(wholes(in, "valid_exit_codes"), exit):
		return nil
	}
	return &exitError{exit}
}

func has(in planner.Object, name string) bool {
	list, _ := in[name].([]any)
	return len(list) > 0
}

func wholes(in planner.Object, name string) []int {
	list, _ := in[name].([]any)
	var out []int
	for _, v := range list {
		out = append(out, numberOf(planner.Object{"": v}, ""))
	}
	return out
}

const (
	// inlineLimit is what is sent without a bucket: 1500 bytes a command is slow.
	inlineLimit = 8 << 20
	// presigned is how long a URL of a file lives.
	presigned = 15 * time.Minute
)

// files puts the files of a step.
func (s *Session) files(ctx context.Context, in planner.Object) error {
	conn, err := s.connection(ctx)
	if err != nil {
		return err
	}
	for _, f := range s.filesOf(in) {
		to := textOf(in, "destination")
		if f.name != "" {
			to = s.join(to, f.name)
		}
		if err := s.put(ctx, conn, to, f.file); err != nil {
			return fmt.Errorf("putting %s: %w", to, err)
		}
		s.remark(fmt.Sprintf("%s: %d bytes", to, f.file.Size))
	}
	return nil
}

// A namedFile is a file of a step with its slash path below the destination.
type namedFile struct {
	name string
	file File
}

func (s *Session) filesOf(in planner.Object) []namedFile {
	list, _ := in["files"].([]any)
	var out []namedFile
	for _, v := range list {
		o := objectOf(v)
		sum := textOf(o, "sha256")
		out = append(out, namedFile{textOf(o, "name"), File{Content: s.work.Contents[sum], SHA256: sum, Size: int64(numberOf(o, "size"))}})
	}
	return out
}

// join puts a slash path below a directory of the machine.
func (s *Session) join(dir, name string) string {
	if s.Windows {
		return strings.TrimRight(dir, `\/`) + `\` + strings.ReplaceAll(name, "/", `\`)
	}
	return path.Join(dir, name)
}

// put sends a file through the bucket where there is one, and over the connection otherwise.
func (s *Session) put(ctx context.Context, conn Communicator, to string, f File) error {
	if f.Content == nil {
		return fmt.Errorf("the plan does not hold the content of sha256 %s", f.SHA256)
	}
	if _, slow := conn.(*winRM); !slow || f.Size <= 64<<10 || s.Objects == nil {
		if slow && f.Size > inlineLimit {
			return &RefusedError{Why: fmt.Sprintf("A file of %d bytes is too large for WinRM alone.", f.Size), Advice: "Give the communicator a bucket, which the machine fetches files from."}
		}
		return conn.Put(ctx, to, f)
	}
	key := "files/" + f.SHA256
	if err := s.Objects.Put(ctx, key, f.Content); err != nil {
		return err
	}
	url, err := s.Objects.Presign(ctx, key, presigned)
	if err != nil {
		return err
	}
	s.hidden = append(s.hidden, url) // whoever has it has the file
	return fetch(ctx, conn, operation{Do: "fetch", Path: to, URL: url, SHA256: f.SHA256}, s.Windows)
}

// fetch has the machine download a file and compares what arrived.
func fetch(ctx context.Context, conn Communicator, o operation, windows bool) error {
	got, err := perform(ctx, conn, o, windows)
	if err == nil && got != o.SHA256 {
		err = fmt.Errorf("it arrived with the sha256 %q, and %s was sent", got, o.SHA256)
	}
	return err
}

// errNoController is why Ansible cannot run.
var errNoController = errors.New("nothing may be run on this machine, and Ansible manages Windows from outside")
