package main

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
)

// TestInOrder: work is done at once, and by no more than there are processors to use; what is done with it keeps its order.
func TestInOrder(t *testing.T) {
	const most, n = 3, 40
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(most))
	var running, peak atomic.Int32
	third := make(chan bool)
	var order []int
	worked := make([]bool, n)
	inOrder(n, func(i int) {
		now := running.Add(1)
		for p := peak.Load(); now > p && !peak.CompareAndSwap(p, now); p = peak.Load() {
		}
		if i == 2 {
			for range 100_000 { // time for those that must not have begun
				runtime.Gosched()
			}
			close(third)
		}
		<-third // all wait for it
		worked[i] = true
		running.Add(-1)
	}, func(i int) {
		if !worked[i] {
			t.Errorf("%d is not done", i)
		}
		order = append(order, i)
	})
	if len(order) != n || !slices.IsSorted(order) {
		t.Errorf("order %v", order)
	}
	if p := peak.Load(); p != most {
		t.Errorf("%d at once, of %d", p, most)
	}
}
