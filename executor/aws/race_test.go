package aws_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Two processes that plan and run the same at once both come to their end, and AWS holds what one of them would have made.
func TestTwoAtOnce(t *testing.T) {
	for name, s := range map[string]*sweep{
		"fleets": {files: map[string]string{"main.ib.hcl": fleetsInTurn}, state: streams, sandbox: slowly()},
		"changed fleets": {
			before: map[string]string{"main.ib.hcl": fleetsInTurn},
			files:  map[string]string{"main.ib.hcl": strings.ReplaceAll(fleetsInTurn, `"stream.standard.medium"`, `"stream.standard.large"`)},
			state:  streams, sandbox: slowly(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			var want string
			s.within(t, func(w *world) {
				if r := w.process(&storm{}, s.files); r.err != nil {
					t.Fatal(r.err)
				}
				want = w.holds()
			})
			for _, apart := range []time.Duration{0, time.Second, time.Minute, 130 * time.Second, 3 * time.Minute, 5 * time.Minute} {
				s.within(t, func(w *world) {
					var both sync.WaitGroup
					for i := range 2 {
						both.Go(func() {
							time.Sleep(time.Duration(i) * apart)
							if r := w.process(&storm{}, s.files); r.err != nil {
								t.Errorf("%v apart, process %d: %v", apart, i+1, r.err)
							}
						})
					}
					both.Wait()
					if got := w.holds(); got != want {
						t.Errorf("%v apart: %s", apart, difference(want, got))
					}
				})
			}
		})
	}
}

// A gate is the network of one process, which closes reached when AWS has answered a call for the first time, and keeps the answer
// until hold is closed.
type gate struct {
	on      string
	reached chan struct{}
	hold    <-chan struct{} // nil for no longer than that

	once sync.Once
}

// RoundTrip implements http.RoundTripper.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	out, err := http.DefaultTransport.RoundTrip(r)
	if callOf(r) != g.on {
		return out, err
	}
	g.once.Do(func() { close(g.reached) })
	if g.hold != nil {
		select {
		case <-g.hold:
		case <-r.Context().Done():
		}
	}
	return out, err
}

// Two processes that make the same AppStream image at once, by import or on a machine, both end with it, and leave no machine. The
// second begins when the first has come to a call, and where it is held goes on only when the second has come to one.
func TestTwoAppStreamBuildsAtOnce(t *testing.T) {
	t.Parallel()
	onAMachine, byImport := builderFiles(), map[string]string{"main.ib.hcl": imported}
	for name, tt := range map[string]struct {
		files         map[string]string
		first, second string // calls; "" for none that is waited for
	}{
		"on a machine, one after the other's plan":     {onAMachine, "appstream:DescribeImages", ""},
		"on a machine, both planned":                   {onAMachine, "appstream:DescribeImages", "appstream:DescribeImages"},
		"on a machine, two machines":                   {onAMachine, "appstream:DescribeImageBuilders", "appstream:DescribeImageBuilders"},
		"on a machine, while the other's starts":       {onAMachine, "appstream:CreateImageBuilder", ""},
		"on a machine, while the other's goes":         {onAMachine, "appstream:DeleteImageBuilder", ""},
		"on a machine, planned while the other's goes": {onAMachine, "appstream:DeleteImageBuilder", "appstream:DescribeImages"},
		"imported, both planned":                       {byImport, "appstream:DescribeImages", "appstream:DescribeImages"},
		"imported, while the other is imported":        {byImport, "appstream:CreateImportedImage", ""},
		"imported, both call":                          {byImport, "appstream:DescribeImages", "appstream:CreateImportedImage"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := streaming(t)
			second := &gate{on: tt.second, reached: make(chan struct{})}
			first := &gate{on: tt.first, reached: make(chan struct{})}
			if tt.second != "" {
				first.hold = second.reached
			}
			var both sync.WaitGroup
			for i, g := range []*gate{first, second} {
				both.Go(func() {
					if i == 1 {
						<-first.reached
					}
					c := to(t, url, &http.Client{Transport: g})
					options := quick(&hand{})
					options.Lease, options.Removal, options.Run = time.Minute, time.Minute, fmt.Sprint("run", i) // however slow the machine is
					if r := carryOut(t.Context(), plan(t, c, tt.files), c.Driver(options)); r.err != nil {
						t.Errorf("process %d: %v", i+1, r.err)
					}
					g.once.Do(func() { close(g.reached) })
				})
			}
			both.Wait()
			c := to(t, url, nil)
			if left := leftBuilders(t, c); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if images := ownImages(t, c); len(images) != 1 || !strings.HasSuffix(images[0], " AVAILABLE") {
				t.Errorf("images %v", images)
			}
		})
	}
}
