package component

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// An action carries out one operation of a module. A nil map means that it has no outputs.
type action func(ctx context.Context, s *stepRun, in Input) (map[string]string, error)

// An unsupportedError is what cannot be done here; it ends a step with that status.
type unsupportedError struct{ text string }

func (e *unsupportedError) Error() string { return e.text }
func (e *unsupportedError) Unwrap() error { return errors.ErrUnsupported }

func unsupported(format string, args ...any) error {
	return &unsupportedError{fmt.Sprintf(format, args...)}
}

// action finds what carries out the step's module.
func (s *stepRun) action() (action, error) {
	name := s.step.Action
	if s.Unsupported != "" {
		return nil, unsupported("%s", s.Unsupported)
	}
	if slices.Contains(s.job.Blocked, name) {
		return nil, unsupported("the action %s is blocked for this run", name)
	}
	for _, table := range []map[string]action{commandActions(), fileActions(), folderActions(), transferActions()} {
		if a, ok := table[name]; ok {
			return a, nil
		}
	}
	m, _ := ModuleNamed(name)
	if m != nil && !slices.Contains(m.Platforms, Linux) {
		return nil, unsupported("the action %s exists on %s alone, and this root is Linux", name, strings.Join(m.Platforms, " and "))
	}
	return nil, unsupported("the action %s cannot be run locally", name)
}

func commandActions() map[string]action {
	return map[string]action{
		"ExecutePowerShell": executePowerShell,
		"Assert":            doAssert,
		"ExecuteBash":       executeBash,
		"ExecuteBinary":     executeBinary,
		"ExecuteDocument":   executeDocument,
		"Reboot":            reboot,
		"UpdateOS":          updateOS,
	}
}

func doAssert(ctx context.Context, s *stepRun, _ Input) (map[string]string, error) {
	if s.step.Assert == nil {
		return nil, errors.New("the step has no condition to assert")
	}
	j := &judge{expand: s.expander(ctx), path: s.path, env: s.env}
	holds, err := j.holds(ctx, s.step.Assert)
	if err != nil {
		return nil, err
	}
	if !holds {
		return nil, errors.New("the assertion is false")
	}
	return nil, nil
}

// executeBash writes all commands to one script and runs it once: they share one shell, which does
// not stop at errors, and the last one decides.
func executeBash(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	return s.script(ctx, strings.Join(in.list("commands"), "\n")+"\n")
}

// executePowerShell runs PowerShell where it is installed (pwsh), which on Linux somebody must have done.
// Exit status 3010 asks for a restart there too: the eight bits that Linux keeps of it are those of 194.
func executePowerShell(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	if _, err := lookPath("pwsh", s.env); err != nil {
		return nil, unsupported("the action ExecutePowerShell exists on Windows alone, and this root is Linux and has no pwsh")
	}
	argv := []string{"pwsh", "-NoProfile", "-NonInteractive", "-File"}
	if file := in.text("file"); file != "" {
		stdout, err := s.command(ctx, append(argv, s.path(file)))
		return map[string]string{"stdout": stdout}, err
	}
	return s.script(ctx, strings.Join(in.list("commands"), "\n")+"\n", argv...)
}

// script writes a text to a file and has it run, by bash where no other interpreter is named.
func (s *stepRun) script(ctx context.Context, text string, interpreter ...string) (map[string]string, error) {
	suffix := ".ps1"
	if interpreter == nil {
		interpreter, suffix = []string{"bash"}, ".sh"
	}
	dir, err := os.MkdirTemp(scratch, "AWSTOE")
	if err != nil {
		return nil, fmt.Errorf("making the script's directory: %w", err)
	}
	s.say(s.step.Action + ": Created temporary directory: " + dir)
	f, err := os.CreateTemp(dir, "script-*"+suffix)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the script: %w", err), os.RemoveAll(dir))
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("writing the script: %w", err), os.RemoveAll(dir))
	}
	s.say(s.step.Action + ": Created temporary script file at: " + f.Name())
	stdout, err := s.command(ctx, append(slices.Clone(interpreter), f.Name()))
	s.say(s.step.Action + ": Removing temporary directory: " + dir)
	if gone := os.RemoveAll(dir); gone != nil {
		return nil, errors.Join(err, fmt.Errorf("removing the script: %w", gone))
	}
	s.say(s.step.Action + ": Successfully removed temporary directory: " + dir)
	return map[string]string{"stdout": stdout}, err
}

// scratch is where AWSTOE keeps scripts while they run.
const scratch = "/tmp"

func executeBinary(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	path := in.text("path")
	if path == "" {
		return nil, errors.New("the input path is empty")
	}
	if strings.ContainsRune(path, filepath.Separator) {
		path = s.path(path)
	}
	stdout, err := s.command(ctx, append([]string{path}, in.list("arguments")...))
	return map[string]string{"stdout": stdout}, err
}

func reboot(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	if s.job.Reboots != RebootExit {
		s.rebooted("the next step runs")
		return nil, nil
	}
	s.say("Getting reboot signal")
	if seconds, _ := in["delaySeconds"].(int); seconds > 0 {
		delay := time.NewTimer(time.Duration(seconds) * time.Second)
		defer delay.Stop()
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-delay.C:
		}
	}
	s.restart = true
	return nil, nil
}

// updateOS updates packages as the guide says for Linux: with yum or apt-get. dnf stands in for yum
// where that is missing.
func updateOS(ctx context.Context, s *stepRun, in Input) (map[string]string, error) {
	include, exclude := in.list("include"), in.list("exclude")
	if os.Geteuid() != 0 {
		return nil, errors.New("updating the operating system needs root")
	}
	for _, name := range slices.Concat(include, exclude) {
		if strings.HasPrefix(name, "-") || strings.ContainsAny(name, " \t\r\n") || name == "" {
			return nil, fmt.Errorf("%q is no package name", name)
		}
	}
	if len(include) > 0 {
		include = slices.DeleteFunc(slices.Clone(include), func(n string) bool { return slices.Contains(exclude, n) })
		if len(include) == 0 {
			s.say("UpdateOS: every included package is excluded; there is nothing to update")
			return nil, nil
		}
	}
	for _, tool := range []string{"yum", "dnf"} {
		if _, err := lookPath(tool, s.env); err == nil {
			argv := []string{tool, "-y", "update"}
			for _, name := range exclude {
				argv = append(argv, "--exclude="+name)
			}
			_, err := s.command(ctx, append(argv, include...))
			return nil, err
		}
	}
	if _, err := lookPath("apt-get", s.env); err != nil {
		return nil, errors.New("neither yum nor dnf nor apt-get is there to update the operating system with")
	}
	return nil, s.aptUpdate(ctx, include, exclude)
}

// aptUpdate keeps excluded packages back while it upgrades.
func (s *stepRun) aptUpdate(ctx context.Context, include, exclude []string) (err error) {
	if _, err = s.command(ctx, []string{"apt-get", "-y", "update"}); err != nil {
		return err
	}
	if len(exclude) > 0 {
		if _, err = s.command(ctx, append([]string{"apt-mark", "hold"}, exclude...)); err != nil {
			return err
		}
		defer func() {
			_, unheld := s.command(ctx, append([]string{"apt-mark", "unhold"}, exclude...))
			err = errors.Join(err, unheld)
		}()
	}
	argv := []string{"apt-get", "-y", "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"}
	if len(include) > 0 {
		argv = append(append(argv, "install", "--only-upgrade"), include...)
	} else {
		argv = append(argv, "upgrade")
	}
	_, err = s.command(ctx, argv)
	return err
}
