package resolve_test

import (
	"math/bits"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/policy/policytest"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// FuzzResolve resolves whatever policy.Parse takes, and checks what holds for any Filter.
func FuzzResolve(f *testing.F) {
	sections, err := policytest.Read("../../testdata/policies/bad")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range sections {
		f.Add(s.Text)
	}
	f.Add("seccompc: 1\ndefault: allow\nrules:\n- errno(1): [read, 7]\n  if: '!(arg0 & 3 == 1 || oneof(arg1, 2, ~3 & 0xff))'\n- {log: [write], abis: [x86_64]}\n")
	f.Add("seccompc: 1\ndefault: errno(EPERM)\ncapabilities: [CAP_CHOWN]\nrules:\n- {allow: [chown], caps: [CAP_CHOWN]}\n- include: base.yaml\n" +
		"tests:\n- {call: chown, want: allow, caps: [CAP_CHOWN]}\n- {call: \"openat(AT_FDCWD, _, ~O_CREAT, mode=0o644)\", want: default}\n- {call: 0x40000001, abi: x32, want: log}\n" +
		"--- base.yaml\nseccompc: 1\nrules:\n- {log: [reboot], caps: [CAP_SYS_BOOT]}\n")
	targets := [][]*arch.ABI{
		{arch.Lookup("x86_64")},
		{arch.Lookup("x86_64"), arch.Lookup("i386"), arch.Lookup("x32")},
		{arch.Lookup("mips")},
	}
	f.Fuzz(func(t *testing.T, src string) {
		text, read := policytest.Split(src)
		p, _ := policy.Parse("policy.yaml", []byte(text), read)
		if p == nil {
			return
		}
		p.Targets = p.Targets[:min(len(p.Targets), 1)]
		for i, abis := range targets {
			options := resolve.Options{Caps: resolve.Capabilities[:i]}
			target, diags := resolve.Resolve(p, abis, options)
			if (target == nil) != (diags.Err() != nil) {
				t.Fatalf("a target: %v, an error: %v", target != nil, diags.Err())
			}
			for _, d := range diags {
				in := text
				if d.Pos.File != "policy.yaml" {
					file, _ := read(d.Pos.File)
					in = string(file)
				}
				lines := strings.Split(in, "\n")
				if d.Pos.Line < 1 || d.Pos.Line > len(lines) || d.Pos.Col < 1 || d.Pos.Col > len([]rune(lines[d.Pos.Line-1]))+1 {
					t.Errorf("%v: %s is outside", d.Pos, d.Msg)
				}
			}
			if target == nil {
				continue
			}
			for _, test := range target.Tests {
				if !slices.Contains(abis, test.ABI) || test.Call.Arch != test.ABI.Audit {
					t.Errorf("test %q is of %s, call %#x, want %v", test.Of.Text.Text, test.ABI.Name, test.Call, test.Want)
				}
				for j, given := range test.Given {
					if given&(given+1) != 0 || bits.Len64(given) > test.ABI.RegBits || test.Call.Args[j]&^given != 0 {
						t.Errorf("test %q on %s: argument %d is %#x in the bits %#x", test.Of.Text.Text, test.ABI.Name, j, test.Call.Args[j], given)
					}
				}
			}
			for _, f := range target.Filters {
				if f.Decide(resolve.NoCall, [6]uint64{}) != f.Unknown {
					t.Errorf("%s: %#x is not unknown", f.ABI.Name, uint32(resolve.NoCall))
				}
				for _, r := range f.Rules {
					for i, n := range r.Numbers {
						if i > 0 && r.Numbers[i-1] >= n || !f.Serves(f.ABI.Audit, n) {
							t.Errorf("%s: numbers %v", f.ABI.Name, r.Numbers)
						}
					}
				}
			}
		}
	})
}
