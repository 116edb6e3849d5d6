package bench

import (
	"fmt"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/lint"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

// slots are places of the language, each in a policy that is good but for what is put there.
var slots = []string{
	"seccompc: %s\ndefault: allow\n",
	"seccompc: 1\ndefault: %s\n",
	head + "name: %s\n",
	head + "description: %s\n",
	head + "reviewed: %s\n",
	"seccompc: 1\ndefault: allow\ntargets: %s\n",
	"seccompc: 1\ndefault: allow\ntargets: [%s]\n",
	head + "unknown: %s\n",
	head + "foreign: %s\n",
	head + "install: %s\n",
	head + "flags: %s\n",
	head + "flags: [%s]\n",
	head + "capabilities: %s\n",
	head + "capabilities: [%s]\n",
	head + "accept: %s\n",
	head + "accept: {rule-shadowed: %s}\n",
	head + "accept: {%s: why}\n",
	head + "groups: %s\n",
	head + "groups: {\"@a\": %s}\n",
	head + "groups: {\"@a\": [%s]}\n",
	head + "groups: {%s: [read]}\n",
	head + "rules: %s\n",
	head + "rules: [%s]\n",
	head + "rules: [{%s: [read]}]\n",
	head + "rules: [{%s: {read: arg0 == 1}}]\n",
	head + "rules: [{%s: read}]\n",
	head + "rules: [{allow: [read], %s: x}]\n",
	head + "rules: [{allow: [read], %s: [read]}]\n",
	head + "rules: [{allow: %s}]\n",
	head + "rules: [{allow: [%s]}]\n",
	head + "rules: [{allow: {%s: arg0 == 1}}]\n",
	head + "rules: [{allow: {%s: }}]\n",
	head + "rules: [{allow: {%s: []}}]\n",
	head + "rules: [{allow: {read: %s}}]\n",
	head + "rules: [{allow: [read], if: %s}]\n",
	head + "rules: [{allow: {read: }, if: %s}]\n",
	head + "rules: [{allow: [read], abis: %s}]\n",
	head + "rules: [{allow: [read], abis: [%s]}]\n",
	head + "rules: [{allow: [read], kernel: %s}]\n",
	head + "rules: [{allow: [read], caps: %s}]\n",
	head + "rules: [{allow: [read], caps: [%s]}]\n",
	head + "rules: [{include: %s}]\n",
	head + "rules: [{include: x, %s: [read]}]\n",
	head + "tests: %s\n",
	head + "tests: [%s]\n",
	head + "tests: [{call: %s, want: allow}]\n",
	head + "tests: [{call: read, want: %s}]\n",
	"seccompc: 1\ndefault: %[1]s\ntests: [{call: read, want: %[1]s}]\n",
	head + "tests: [{call: read, want: allow, abi: %s}]\n",
	head + "tests: [{call: read, want: allow, caps: %s}]\n",
	head + "tests: [{call: read, want: allow, caps: [%s]}]\n",
	head + "tests: [{call: read, want: allow, %s: x}]\n",
	head + "%s: x\n",
	head + "%s: [read]\n",
	"seccompc: 1\n%s: x\n",
	"seccompc: 1\n%s: []\n",
}

const head = "seccompc: 1\ndefault: errno(EPERM)\ntargets: [x86_64]\n"

// fillings go into each slot. Most are wrong in most.
const fillings = `
~
""
" "
true
1
"1"
2
-1
0x10
4294967294
"4294967294"
[]
[x]
[~]
[""]
[[x]]
[{x: y}]
{}
{x: y}
{x: [y]}
{read: arg0 == 1}
{read: arg0 == 1, "@aio": , 7: , 0x10: arg1 == 2}
{"@aio": arg0 == 1}
[read, "@aio", 7, "0x10"]
{"@b": [read]}
{rule-shadowed: why}
{call: read, want: allow}
{include: base.yaml}
{allow: [read]}
{allow: [read], trap: [write]}
{trap(1): [read], trap(2): [write]}
[{allow: [read], trap: [write]}]
[{call: read, want: allow}]
read
x
exec
self
log
spec_allow
"6.12"
"6.12.1"
"65535.0"
"65536.0"
"6.012"
"6"
">=4.8"
">= 4.8.1"
">4.8"
">=4"
x86_64
x86_64+i386
x86_64 + x32
x86_64+arm
x86_64+
386
amd64
CAP_KILL
CAP_CHECKPOINT_RESTORE
KILL
rule-shadowed
condition-never
"@a"
"@A"
"@aio"
"@timer"
base.yaml
sub/base.yaml
../base.yaml
/base.yaml
"sub\\base.yaml"
"C:base.yaml"
allow
default
kill_process
kill_thread
notify
trace
trap
errno
errno()
errno(EPERM)
"errno( EPERM )"
errno(EPREM)
errno(4095)
errno(010)
errno(0x10)
errno(-1)
trap(1)
trap(EPERM)
trap( 0o17 )
trace(65535)
trace(1_0)
allow(1)
arg0 == 1
if
abis
caps
kernel
include
call
want
abi
rules
groups
read()
read(1)
"read(1, fd=2)"
" read "
raed(1)
read(
0x10()
7(1)
"@aio(1)"`

// forms are policies that have each value in each slot, and those that name all there is to name.
func forms() (list []sample) {
	add := func(text string) {
		list = append(list, sample{fmt.Sprintf("form %d", len(list)+1), "policy.yaml", text, noFiles, true})
	}
	for _, slot := range slots {
		for value := range strings.SplitSeq(fillings, "\n") {
			add(fmt.Sprintf(slot, value))
		}
	}
	for _, key := range []string{"name: x", "description: x", "reviewed: \"6.12\"", "targets: [x86_64]", "unknown: log", "foreign: log",
		"install: self", "flags: [log]", "capabilities: []", "accept: {}", "tests: []", "groups: {\"@a\": [read]}", "rules: []"} {
		add("seccompc: 1\n" + key + "\n") // a fragment has the last two only
	}
	join := func(words []string) string { return `"` + strings.Join(words, `", "`) + `"` }
	var groups, codes, errnos []string
	for _, g := range policy.Builtins() {
		groups = append(groups, g.Name)
	}
	for _, c := range lint.Checks() {
		add(head + "accept: {" + c.Code + ": why}\n") // not all can be accepted
		if !c.Error {
			codes = append(codes, c.Code)
			add(head + "accept: {" + c.Code + ": [why]}\n")
		}
	}
	for _, e := range arch.Errnos() {
		errnos = append(errnos, "{errno("+e+"): [read]}")
	}
	calls := join(arch.Names()) + ", " + join(groups)
	add(head + "rules: [{allow: [" + calls + "]}]\n")
	add(head + "rules: [{allow: {" + calls + "}}]\n")
	add(head + "groups: {\"@a\": [" + calls + "]}\n")
	add(head + "rules: [" + strings.Join(errnos, ", ") + "]\n")
	add(head + "rules: [{allow: [read], abis: [" + join(arch.Spellings()) + "]}]\n")
	add(head + "rules: [{allow: [read], caps: [" + join(resolve.Capabilities) + "]}]\n")
	add(head + "capabilities: [" + join(resolve.Capabilities) + "]\n")
	add(head + "accept: {\"" + strings.Join(codes, "\": why, \"") + "\": why}\n")
	for _, name := range arch.Names() {
		add(head + "tests: [{call: " + name + ", want: allow}, {call: " + name + "(1), want: allow}]\n")
	}
	for _, s := range arch.Spellings() {
		add("seccompc: 1\ndefault: allow\ntargets: [\"" + s + "\"]\ntests: [{call: read, want: allow, abi: \"" + s + "\"}]\n")
	}
	// What limits a rule, in each combination, with one action, with two and with none.
	for _, actions := range []string{"allow: [read]", "allow: [read], log: [read]", "errno(EPERM): [read], errno(ENOSYS): [read]", "x: y"} {
		for set := range 16 {
			rule := actions
			for i, limit := range []string{"if: arg0 == 1", "abis: [x86_64]", "kernel: \">=4.8\"", "caps: [CAP_KILL]"} {
				if set>>i&1 != 0 {
					rule += ", " + limit
				}
			}
			add(head + "rules: [{" + rule + "}]\n")
			add(head + "rules: [{" + strings.TrimPrefix(strings.TrimPrefix(rule, actions), ", ") + "}]\n")
		}
	}
	return list
}
