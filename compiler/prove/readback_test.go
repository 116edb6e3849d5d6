package prove_test

import (
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/codegen"
	"github.com/seccompc/seccompc/compiler/prove"
	"github.com/seccompc/seccompc/compiler/resolve"
)

func TestSpike(t *testing.T) {
	var any resolve.Any
	for _, v := range []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 39, 41, 42, 43, 44, 45} {
		any = append(any, resolve.Compare{Bits: 64, Mask: 0xffffffff, Op: resolve.EQ, Value: v})
	}
	f := &resolve.Filter{ABI: arch.Lookup("x86_64"), Known: []uint32{41}, Rules: []resolve.Rule{{Numbers: []uint32{41}, Cond: any, Action: resolve.Allow}}}
	prog, err := codegen.Program(&resolve.Target{Filters: []*resolve.Filter{f}})
	d, err := prove.Read(prog, false)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := d.Split(resolve.Call{Arch: resolve.X86_64, NR: 41})
	for _, p := range parts {
		form, err := p.Cond.Form([6]prove.View{{Bits: 32, Signed: true}})
		t.Logf("%v %+v %v", p.Before, form, err)
	}
}
