package planner

import "sync"

// sideBySide calls do for the indices below n, in shares that each have a goroutine, and returns when
// all have returned. What do does for one index must depend on nothing that it does for another;
// results are kept by index, so that they come in the same order every time.
func sideBySide(n, share int, do func(i int)) {
	if n <= share {
		for i := range n {
			do(i)
		}
		return
	}
	var all sync.WaitGroup
	for from := 0; from < n; from += share {
		all.Go(func() {
			for i := from; i < min(from+share, n); i++ {
				do(i)
			}
		})
	}
	all.Wait()
}
