package main

import (
	"os"
	"testing"
)

// What is under way is redrawn on a terminal that can do that alone, and a terminal's kind says whether it cuts its lines.
func TestScreens(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("this machine has no terminals: %v", err)
	}
	defer terminal.Close() //nolint:errcheck // nothing was written
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	for _, tt := range []struct {
		name        string
		env         map[string]string
		out         *os.File
		moves, cuts bool
		coloured    bool
	}{
		{"xterm-256color", map[string]string{"TERM": "xterm-256color"}, terminal, true, false, true},
		{"dumb", map[string]string{"TERM": "dumb"}, terminal, false, false, false},
		{"no colour", map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, terminal, true, false, false},
		{"a file", map[string]string{"TERM": "xterm"}, file, false, false, false},
		{"the console", map[string]string{"TERM": "linux"}, terminal, true, true, true},
		{"xterm itself", map[string]string{"TERM": "xterm", "XTERM_VERSION": "XTerm(379)"}, terminal, true, true, true},
		{"screen", map[string]string{"TERM": "screen", "STY": "1.tty"}, terminal, true, true, true},
		{"tmux in xterm", map[string]string{"TERM": "tmux", "TMUX": "/tmp/s,1,0", "XTERM_VERSION": "XTerm(379)"}, terminal, true, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &program{lookupEnv: func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }}
			if moves := p.screenSize(tt.out) != nil; moves != tt.moves {
				t.Errorf("it is redrawn: %t", moves)
			}
			if got := p.colour(tt.out); got != tt.coloured {
				t.Errorf("it is coloured: %t", got)
			}
			if got := p.cutsLines(); got != tt.cuts {
				t.Errorf("it cuts its lines: %t", got)
			}
		})
	}
}
