package aws_test

import (
	"fmt"
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

// Two processes that make the same AppStream image at once, by import or on a machine, both end with it, and leave no machine.
func TestTwoAppStreamBuildsAtOnce(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{"on a machine": builderFiles(), "imported": {"main.ib.hcl": imported}} {
		for _, apart := range []time.Duration{0, 10 * time.Millisecond, 60 * time.Millisecond, 150 * time.Millisecond, 400 * time.Millisecond} {
			t.Run(name+" "+apart.String(), func(t *testing.T) {
				t.Parallel()
				url := streaming(t)
				var both sync.WaitGroup
				for i := range 2 {
					both.Go(func() {
						time.Sleep(time.Duration(i) * apart)
						c := to(t, url, nil)
						options := quick(&hand{})
						options.Lease, options.Run = time.Minute, fmt.Sprint("run", i) // however slow the machine is
						if r := carryOut(t.Context(), plan(t, c, files), c.Driver(options)); r.err != nil {
							t.Errorf("process %d: %v", i+1, r.err)
						}
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
}
