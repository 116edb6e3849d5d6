package inspect

import (
	"cmp"
	"maps"
	"slices"

	"golang.org/x/net/bpf"

	"github.com/seccompc/seccompc/arch"
)

// A span is the numbers from lo to hi.
type span struct{ lo, hi uint32 }

// calls are the calls that may come to an instruction: by audit architecture the spans of their numbers, ascending, with gaps
// between them. The key 0, which no architecture has, stands for all that the listing has no ABI for.
type calls map[uint32][]span

// knowledge is what is known before an instruction: which calls come there, and what A holds.
type knowledge struct {
	calls calls  // empty: nothing comes there
	word  uint32 // A is this word of struct seccomp_data, by its offset, under mask
	mask  uint32
}

const (
	wordNR   = 0
	wordArch = 4
	noWord   = 64 // A holds something else
)

// reaching finds what is known before each instruction of any program. Jumps go forward, so one pass sees all ways.
func reaching(prog []bpf.RawInstruction, abis []*arch.ABI) []knowledge {
	at := make([]knowledge, len(prog))
	all := calls{0: {{0, ^uint32(0)}}}
	for _, a := range abis {
		all[a.Audit] = all[0]
	}
	flow := func(pc uint64, k knowledge) {
		if pc >= uint64(len(prog)) || len(k.calls) == 0 {
			return
		}
		to := &at[pc]
		if len(to.calls) == 0 {
			*to = k
			return
		}
		if to.word != k.word || to.mask != k.mask {
			to.word = noWord
		}
		to.calls = to.calls.union(k.calls)
	}
	if len(prog) > 0 {
		at[0] = knowledge{all, noWord, 0}
	}
	for pc, in := range prog {
		k, next := at[pc], uint64(pc)+1
		switch {
		case in.Op == 0x20: // LD W ABS
			k.word, k.mask = min(in.K, noWord), ^uint32(0)
		case in.Op == 0x54: // AND K
			k.mask &= in.K
		case in.Op == 0x05: // JA
			next += uint64(in.K)
		case in.Op&7 == 5:
			yes, no := k, k
			if in.Op&0x08 == 0 { // the operand is K
				yes.calls, no.calls = k.where(in)
			}
			flow(next+uint64(in.Jt), yes)
			flow(next+uint64(in.Jf), no)
			continue
		case in.Op&7 == 6: // a return
			continue
		default:
			k.word = noWord
		}
		flow(next, k)
	}
	return at
}

// where divides the calls by a conditional jump, as far as architecture and number tell.
func (k knowledge) where(in bpf.RawInstruction) (yes, no calls) {
	holds := func(a uint32) bool {
		taken, _ := (&machine{a: a & k.mask}).jump(in)
		return taken
	}
	yes, no = calls{}, calls{}
	for audit, spans := range k.calls {
		switch {
		case k.word == wordNR:
			yes.set(audit, filter(spans, in, k.mask, holds, true))
			no.set(audit, filter(spans, in, k.mask, holds, false))
		case k.word != wordArch:
			yes[audit], no[audit] = spans, spans
		case audit == 0: // some architectures, of which equality takes one
			no[audit] = spans
			if _, listed := k.calls[in.K]; !listed || in.K == 0 || in.Op != 0x15 || k.mask != ^uint32(0) {
				yes[audit] = spans
			}
		case holds(audit):
			yes[audit] = spans
		default:
			no[audit] = spans
		}
	}
	return yes, no
}

func (c calls) set(audit uint32, spans []span) {
	if len(spans) > 0 {
		c[audit] = spans
	}
}

// few is how many numbers are looked at one by one, and how many spans are kept apart.
const few = 1024

// filter returns the numbers on which a jump goes one way; where that is not to be said in spans, all of them.
func filter(spans []span, in bpf.RawInstruction, mask uint32, holds func(uint32) bool, way bool) (out []span) {
	n := uint64(0)
	for _, s := range spans {
		n += uint64(s.hi-s.lo) + 1
	}
	if n <= few {
		for _, s := range spans {
			for v := uint64(s.lo); v <= uint64(s.hi); v++ {
				if holds(uint32(v)) == way {
					out = add(out, span{uint32(v), uint32(v)})
				}
			}
		}
		return out
	}
	var cuts []uint64 // between them the jump goes one way
	switch {
	case mask == ^uint32(0) && in.Op != 0x45:
		cuts = []uint64{uint64(in.K), uint64(in.K) + 1, 1 << 32}
	case mask == ^uint32(0) && in.K >= 1<<28 && in.K&(in.K-1) == 0: // a bit such as x32's
		for v := uint64(in.K); v <= 1<<32; v += uint64(in.K) {
			cuts = append(cuts, v)
		}
	default:
		return spans
	}
	for _, s := range spans {
		lo := uint64(s.lo)
		for _, cut := range cuts {
			if cut <= lo {
				continue
			}
			hi := min(cut-1, uint64(s.hi))
			if holds(uint32(lo)) == way {
				out = add(out, span{uint32(lo), uint32(hi)})
			}
			if lo = hi + 1; lo > uint64(s.hi) {
				break
			}
		}
	}
	return out
}

// add appends a span that is not before the last one, which it may meet.
func add(spans []span, s span) []span {
	if last := len(spans) - 1; last >= 0 && uint64(s.lo) <= uint64(spans[last].hi)+1 {
		spans[last].hi = max(spans[last].hi, s.hi)
		return spans
	}
	return append(spans, s)
}

func (c calls) union(d calls) calls {
	u := maps.Clone(c)
	for audit, spans := range d {
		all := slices.Concat(u[audit], spans)
		slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
		var merged []span
		for _, s := range all {
			merged = add(merged, s)
		}
		if len(merged) > few {
			merged = []span{{merged[0].lo, merged[len(merged)-1].hi}}
		}
		u[audit] = merged
	}
	return u
}

// A known call is one that may come to an instruction.
type knownCall struct {
	abi  *arch.ABI
	name string
}

// named returns the calls, if they are few and each has a name on one of the ABIs; else ok is false.
func (c calls) named(abis []*arch.ABI) (list []knownCall, ok bool) {
	const most = 32
	if len(c[0]) > 0 {
		return nil, false
	}
	for _, a := range abis { // in their order
		for _, s := range c[a.Audit] {
			if s.hi-s.lo >= most {
				return nil, false
			}
			for nr := uint64(s.lo); nr <= uint64(s.hi); nr++ {
				if name, has := a.SyscallName(uint32(nr)); has && uint32(nr)&a.Bit == a.Bit {
					list = append(list, knownCall{a, name})
				} else if !slices.ContainsFunc(abis, func(o *arch.ABI) bool { _, has := o.SyscallName(uint32(nr)); return has && o.Audit == a.Audit }) {
					return nil, false
				}
			}
		}
		if len(list) > most {
			return nil, false
		}
	}
	return list, len(list) > 0
}
