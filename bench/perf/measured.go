//go:build linux && amd64

package main

import (
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// A sample is measured values, in the order in which they were measured.
type sample []float64

func (s sample) quantile(q float64) float64 {
	ascending := slices.Sorted(slices.Values(s))
	return ascending[int(q*float64(len(s)-1)+0.5)]
}

func (s sample) median() float64 { return s.quantile(0.5) }

// over returns the ratios of values that were measured in the same round.
func (s sample) over(t sample) (ratios sample) {
	for i := range s {
		ratios = append(ratios, s[i]/t[i])
	}
	return ratios
}

// Two calls that do next to nothing in the kernel. Docker's profile allows one whatever its arguments, the other for
// some of them: the kernel can't know its answer in advance.
const (
	cachedCall   = unix.SYS_GETPPID
	uncachedCall = unix.SYS_PERSONALITY
	uncachedArg  = 0xffffffff // asks, and changes nothing
)

// installs measures how long programs take to install, each in a fresh process, in turn and each round in another order.
func installs(j *job, subjects []*subject, rounds int) error {
	perMicrosecond := frequency()
	return interleave(len(subjects), rounds, func(i int) error {
		s := subjects[i]
		err := j.run(s.prog, cachedCall, 0, 0)
		s.install = append(s.install, float64(j.install)/perMicrosecond)
		return err
	})
}

// calls measures what a call costs under programs beyond what it costs the same process before, in nanoseconds: its
// fastest hundred calls with its fastest hundred, for on a busy machine most of them wait.
func calls(j *job, subjects []*subject, rounds int, nr, arg uintptr) ([]sample, error) {
	samples := make([]sample, len(subjects))
	perNanosecond := frequency() / 1000
	err := interleave(len(subjects), rounds, func(i int) error {
		err := j.run(subjects[i].prog, nr, arg, maxChunks)
		samples[i] = append(samples[i], (j.fastest(&j.after)-j.fastest(&j.before))/perNanosecond)
		return err
	})
	return samples, err
}

// interleave calls f for 0 to n-1 in every round, in another order each time, which is the same in every run.
func interleave(n, rounds int, f func(int) error) error {
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		for _, i := range random.Perm(n) {
			if err := f(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// warm returns the median time of f over runs that take at least a fifth of a second together, after one that counts
// for nothing.
func warm(f func() error) (time.Duration, error) {
	var list []time.Duration
	for start := time.Now(); len(list) < 20 || time.Since(start) < 200*time.Millisecond; {
		began := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		list = append(list, time.Since(began))
	}
	list = list[1:]
	slices.Sort(list)
	return list[len(list)/2], nil
}
