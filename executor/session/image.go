package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/org/imagebuild-action/planner"
)

// A catalogue is what Image Assistant has listed, kept as it is changed.
type catalogue struct{ items []catalogueItem }

func (c *catalogue) find(name string) (catalogueItem, bool) {
	i := slices.IndexFunc(c.items, func(item catalogueItem) bool {
		got, _ := item.text("name")
		return got == name
	})
	if i < 0 {
		return nil, false
	}
	return c.items[i], true
}

// assistant runs Image Assistant.
func (s *Session) assistant(ctx context.Context, args ...string) (assistantAnswer, error) {
	conn, err := s.connection(ctx)
	if err != nil {
		return assistantAnswer{}, err
	}
	argv := append([]string{windowsAssistant}, args...)
	if !s.Windows {
		argv = append(s.elevated(), append([]string{linuxAssistant}, args...)...)
	}
	var lines []string
	exit, err := conn.Run(ctx, operation{Do: "exec", Argv: argv}.command(s.Windows), func(l Line) {
		if !l.Stderr {
			lines = append(lines, l.Text)
		}
		s.print(l)
	})
	if err != nil {
		return assistantAnswer{}, err
	}
	a := parseAssistant(lines, exit)
	if a.Status != 0 {
		return a, &assistantError{args[0], a}
	}
	return a, nil
}

// elevated are the words that make a program of Linux root's, which Image Assistant must be.
func (s *Session) elevated() []string {
	if c := s.work.Communicator; c.Type == "ssh" && textOf(c.Settings, "username") != "root" {
		return []string{"sudo", "-n"}
	}
	return nil
}

// rehearse asks Image Assistant at the very beginning whether the image could be made under its name, before
// anything has taken time.
func (s *Session) rehearse(ctx context.Context) error {
	i := slices.IndexFunc(s.work.Steps, func(step planner.WorkStep) bool { return step.Action == planner.WorkCreateImage })
	if i < 0 {
		return nil
	}
	s.step = &s.work.Steps[i]
	s.remark("Image Assistant is asked first whether the image could be made (create-image --dry-run).")
	_, err := s.assistant(ctx, createArguments(s.step.Input, true)...)
	refusal, ok := errors.AsType[*assistantError](err)
	if ok && !lasting(refusal.answer.Message) {
		// An image without applications may be refused, and applications come later.
		listed, listing := s.assistant(ctx, "list-applications")
		if listing == nil && len(listed.Applications) == 0 {
			s.remark("The catalogue is empty as yet, so that this says nothing: " + refusal.Error())
			return nil
		}
	}
	if err != nil {
		return s.failure(&s.step.Range, err)
	}
	return nil
}

// lasting says whether a refusal at the beginning will still be one at the end, whatever the catalogue holds by then.
// Image Assistant has no codes; the messages are those of its reference.
func lasting(message string) bool {
	return slices.ContainsFunc([]string{"already exists", "Invalid value", "Administrator privileges"}, func(s string) bool { return strings.Contains(message, s) })
}

// application makes the catalogue hold an application just as it is written: there is no update, so that one which
// differs is removed and added.
func (s *Session) application(ctx context.Context, in planner.Object) error {
	want := applicationOf(in)
	if s.apps == nil {
		a, err := s.assistant(ctx, "list-applications")
		if err != nil {
			return err
		}
		s.apps = &catalogue{a.Applications}
	}
	have, there := s.apps.find(want.name)
	switch {
	case there && want.same(have):
		s.remark(want.name + " is in the catalogue as wanted.")
		return nil
	case there:
		if _, err := s.assistant(ctx, "remove-application", "--name", want.name); err != nil {
			return err
		}
		s.apps.items = slices.DeleteFunc(s.apps.items, func(i catalogueItem) bool { n, _ := i.text("name"); return n == want.name })
	case len(s.apps.items) >= maxApplications:
		return &RefusedError{Why: fmt.Sprintf("The catalogue holds %d applications, and Image Assistant takes no more.", len(s.apps.items)), Advice: "Start from a base image with fewer, or remove some."}
	}
	if _, err := s.assistant(ctx, want.arguments()...); err != nil {
		return err
	}
	s.apps.items = append(s.apps.items, want.item())
	return nil
}

// defaultProfile makes a user's profile that of all.
func (s *Session) defaultProfile(ctx context.Context, in planner.Object) error {
	if !s.Windows {
		return &RefusedError{Why: "Default profiles are Windows' own, and this machine is Linux.", Advice: "Remove the block."}
	}
	args := []string{"update-default-profile"}
	if p := textOf(in, "profile"); p != "" {
		args = append(args, "--profile", p)
	}
	_, err := s.assistant(ctx, args...)
	return err
}

// commonManifest is the optimisation manifest that the service picks up by itself.
const commonManifest = `C:\ProgramData\Amazon\Photon\Prewarm\PrewarmManifest.txt`

// manifest writes the files that globs find, so that a fleet's instances read them first. Directories and what is
// not there fall out in the machine, which writes UTF-8.
func (s *Session) manifest(ctx context.Context, in planner.Object) error {
	globs, to := listOf(in, "paths"), textOf(in, "path")
	if to == "" {
		if !s.Windows {
			return &RefusedError{Why: "The common manifest is Windows' own, and this machine is Linux.", Advice: "Write path, and give it to an application as its manifest."}
		}
		to = commonManifest
	}
	if err := checkGlobs(globs, s.Windows); err != nil {
		return err
	}
	conn, err := s.connection(ctx)
	if err != nil {
		return err
	}
	found, err := perform(ctx, conn, operation{Do: "glob", Path: to, Globs: globs}, s.Windows)
	if err == nil {
		s.remark(fmt.Sprintf("%s: %s", to, found))
	}
	return err
}

// sessionScripts is where AppStream looks for its session scripts.
const sessionScripts = `C:\AppStream\SessionScripts\config.json`

// sessionScript writes the configuration of session scripts. AppStream itself looks at it only once the image is
// being made.
func (s *Session) sessionScript(ctx context.Context, in planner.Object) error {
	if !s.Windows {
		return &RefusedError{Why: "Session scripts are Windows' own, and this machine is Linux.", Advice: "Remove the block."}
	}
	text, err := checkSessionScript(objectOf(in["config"]))
	if err != nil {
		return err
	}
	conn, err := s.connection(ctx)
	if err != nil {
		return err
	}
	return conn.Put(ctx, sessionScripts, textFile(text))
}

// checkSessionScript writes the configuration as JSON, once it is what AppStream takes.
func checkSessionScript(config planner.Object) (string, error) {
	type event struct {
		Executables []struct {
			Context, Filename, Arguments string
			S3LogEnabled                 bool
		}
		WaitingTime *int
	}
	raw, err := json.MarshalIndent(map[string]any(config), "", "  ")
	if err != nil {
		return "", err
	}
	var events map[string]event
	if err := json.Unmarshal(raw, &events); err != nil {
		return "", &RefusedError{Why: fmt.Sprintf("The session scripts are not what AppStream reads: %v.", err), Cause: err}
	}
	for name, e := range sorted(events) {
		if name != "SessionStart" && name != "SessionTermination" {
			return "", &RefusedError{Why: fmt.Sprintf("There is no session event %q.", name), Advice: "It is SessionStart or SessionTermination."}
		}
		if e.WaitingTime != nil && (*e.WaitingTime < 0 || *e.WaitingTime > 60) {
			return "", &RefusedError{Why: fmt.Sprintf("%s waits %d seconds, and AppStream waits 60 at most.", name, *e.WaitingTime)}
		}
		for _, x := range e.Executables {
			if (x.Context != "system" && x.Context != "user") || x.Filename == "" {
				return "", &RefusedError{Why: fmt.Sprintf("An executable of %s has the context %q and the file name %q.", name, x.Context, x.Filename), Advice: "The context is system or user, and the file name is not empty."}
			}
		}
	}
	return string(raw) + "\n", nil
}

const (
	// begunWithin is how long the service may take to show that it makes an image.
	begunWithin = 5 * time.Minute
	begunEvery  = 10 * time.Second
)

// createImage starts the making of the image. Its session is cut by that, so that only the service can say
// whether it has begun.
func (s *Session) createImage(ctx context.Context, in planner.Object) error {
	if err := s.checkRestart(ctx, in); err != nil {
		return err
	}
	if _, err := s.assistant(ctx, createArguments(in, true)...); err != nil {
		return err
	}
	answer, err := s.begin(ctx, in)
	if _, said := errors.AsType[*assistantError](err); said || ctx.Err() != nil || refused(err) {
		return err
	}
	s.disconnect()
	until := time.Now().Add(begunWithin)
	for {
		begun, asked := s.Images.Begun(ctx, textOf(in, "name"))
		switch {
		case asked != nil:
			return fmt.Errorf("asking whether the image is being made: %w", asked)
		case begun:
			s.remark("The image is being made.")
			return nil
		case !time.Now().Before(until):
			return fmt.Errorf("the service has not begun to make the image within %s; Image Assistant said: %q", begunWithin, answer.Message)
		}
		if err := pause(ctx, begunEvery); err != nil {
			return err
		}
	}
}

var errBegun = errors.New("the service has begun to make the image")

// begin runs Image Assistant's create-image until it has answered, its session was cut, or the service has begun:
// a machine that is cut off between two messages leaves a connection that looks alive.
func (s *Session) begin(ctx context.Context, in planner.Object) (assistantAnswer, error) {
	asking, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var watch sync.WaitGroup
	watch.Go(func() {
		for wait := time.Second; pause(asking, wait) == nil; wait = min(2*wait, begunEvery) {
			if begun, err := s.Images.Begun(asking, textOf(in, "name")); err == nil && begun {
				cancel(errBegun)
			}
		}
	})
	answer, err := s.assistant(asking, createArguments(in, false)...)
	if errors.Is(context.Cause(asking), errBegun) {
		err = nil
	}
	cancel(nil)
	watch.Wait()
	if err != nil && !refused(err) {
		s.remark(fmt.Sprintf("%v; making an image does that, and the service is asked whether it has begun.", err))
	}
	return answer, err
}

// checkRestart refuses to make an image of a machine that waits for a restart: its image would begin with it.
func (s *Session) checkRestart(ctx context.Context, in planner.Object) error {
	if truthOf(in, "allow_pending_reboot") {
		return nil
	}
	conn, err := s.connection(ctx)
	if err != nil {
		return err
	}
	reasons, err := performLines(ctx, conn, operation{Do: "pending"}, s.Windows)
	if err != nil {
		return err
	}
	if len(reasons) > 0 {
		return &RefusedError{
			Why:    "The machine waits for a restart because of " + strings.Join(reasons, ", ") + ".",
			Advice: "Put a windows-restart provisioner last, or write allow_pending_reboot = true.",
		}
	}
	return nil
}
