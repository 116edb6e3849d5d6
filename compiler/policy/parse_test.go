package policy_test

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/compiler/policy"
)

const whole = `# A policy with every key.
seccompc: 1
name: web-1.0_x
description: An HTTP server,
  behind a proxy # not part of it
reviewed: "6.12"
targets: [x86_64+i386, 'aarch64']
default: errno(EPERM)
unknown: "errno( 38 )"
foreign: trap(0x10)
install: self
flags: [log, spec_allow]
capabilities: [CAP_SYS_BOOT, "CAP_CHOWN"]
accept:
  rule-shadowed: because, and so on
  "errno-zero": 'the program # wants it'
groups:
  "@files": [read, write, "@more"]
  '@more': [0x3b, 0o17, 60]
rules:
- allow: ["@files", futex]
- allow: [openat, open]
  if: arg2 & 3 == 0
- allow:
    clone: arg0 & 0x7e020000 == 0
    socket: oneof(arg0, 1, 2,
      10)
    exit_group:
    exit: ~
    read: |
      arg0 == 1 ||
      arg0 == 2
- trace: [ptrace]
  abis: [x86_64, SCMP_ARCH_X86]
  kernel: ">=4.8"
- {kill_process: [reboot], if: '!(arg0 == 1)'}
- "errno(ENOSYS)": [clone3]
- log: [a]
- notify: [b]
- kill_thread: [c]
- trap: [d]
- default: [mknod, 4095]
- {allow: [reboot], caps: [CAP_SYS_BOOT]}
- include: base.yaml
- log: [e]
tests:
- {call: ptrace, want: errno(EPERM)}
- call: openat(AT_FDCWD, _, O_RDWR|O_CREAT,
    -1)
  want: default
- {call: "clone( flags = ~ 3, arg1=_, tls=0x10 << 2 )", abi: s390x, want: trap(7)}
- {call: 0x10(), abi: amd64, want: allow, caps: []}
- {call: "mmap(_, 1, type=2)", want: "errno( 1 )", caps: [CAP_CHOWN, CAP_KILL]}
fallbacks: {log: allow, "kill_process": kill_thread}
`

const wholeMeans = `name web-1.0_x, An HTTP server, behind a proxy, reviewed 6.12, install self
targets x86_64+i386 aarch64
flags log spec_allow
falls back from log kill_process
default errno(EPERM), unknown errno(38), foreign trap(0x10)
@files: read write @more
@more: 0x3b 0o17 60
@more2: read
allow: @files
allow: futex
allow: openat if (arg2 & 3) == 0
allow: open if (arg2 & 3) == 0
allow: clone if (arg0 & 0x7e020000) == 0
allow: socket if oneof(arg0, 1, 2, 10)
allow: exit_group
allow: exit
allow: read if (arg0 == 1) || (arg0 == 2)
trace: ptrace on x86_64 SCMP_ARCH_X86 from 4.8
kill_process: reboot if !(arg0 == 1)
errno(ENOSYS): clone3
log: a
notify: b
kill_thread: c
trap: d
default: mknod
default: 4095
allow: reboot with CAP_SYS_BOOT
allow: @more
kill_process: f if arg0 == 1
log: e
has CAP_SYS_BOOT CAP_CHOWN
accepts rule-shadowed: because, and so on
accepts errno-zero: the program # wants it
ptrace is errno(EPERM)
openat arg0=AT_FDCWD arg2=O_RDWR | O_CREAT arg3=-1 is default
clone flags=~3 tls=0x10 << 2 is trap(7) on s390x
0x10 is allow on amd64 with
mmap arg1=1 type=2 is errno(1) with CAP_CHOWN CAP_KILL
`

// base is what whole includes.
const base = `seccompc: 1
groups: {"@more2": [read]}
rules:
- allow: ["@more"]
- include: sub/deep.yaml
`

const deep = `seccompc: 1
rules:
- {kill_process: [f], if: arg0 == 1}
`

// read is a folder that has base.
func read(name string) ([]byte, error) {
	text, ok := map[string]string{"base.yaml": base, "sub/deep.yaml": deep}[filepath.ToSlash(name)]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

func action(a policy.Action) string {
	if a.Arg.Text == "" {
		return a.Kind.String()
	}
	return fmt.Sprintf("%s(%s)", a.Kind, a.Arg.Text)
}

func words(ws []policy.Word) (s string) {
	for _, w := range ws {
		s += " " + w.Text
	}
	return s
}

// means writes down what a policy says.
func means(p *policy.Policy) string {
	var b strings.Builder
	fmt.Fprintf(&b, "name %s, %s, reviewed %s, install %s\n", p.Name.Text, p.Description.Text, p.Reviewed.Text, p.Install.Text)
	fmt.Fprintf(&b, "targets%s\nflags%s\n", words(p.Targets), words(p.Flags))
	for i, f := range p.Fallbacks {
		if i == 0 {
			b.WriteString("falls back from")
		}
		fmt.Fprintf(&b, " %s", action(f))
		if i == len(p.Fallbacks)-1 {
			b.WriteByte('\n')
		}
	}
	fmt.Fprintf(&b, "default %s, unknown %s, foreign %s\n", action(p.Default), action(p.Unknown), action(p.Foreign))
	for _, name := range slices.Sorted(maps.Keys(p.Groups)) {
		fmt.Fprintf(&b, "%s:%s\n", p.Groups[name].Name.Text, words(p.Groups[name].Calls))
	}
	for _, r := range p.Rules {
		for _, c := range r.Calls {
			fmt.Fprintf(&b, "%s: %s", action(r.Action), c.Name.Text)
			if c.If != nil {
				fmt.Fprintf(&b, " if %s", c.If)
			}
			if r.ABIs != nil {
				fmt.Fprintf(&b, " on%s", words(r.ABIs))
			}
			if r.When.Kernel.Text != "" {
				fmt.Fprintf(&b, " from %s", r.When.Kernel.Text)
			}
			if r.When.Caps != nil {
				fmt.Fprintf(&b, " with%s", words(r.When.Caps))
			}
			b.WriteByte('\n')
		}
	}
	if p.Capabilities != nil {
		fmt.Fprintf(&b, "has%s\n", words(p.Capabilities))
	}
	for _, a := range p.Accepts {
		fmt.Fprintf(&b, "accepts %s: %s\n", a.Code.Text, a.Reason.Text)
	}
	for _, t := range p.Tests {
		fmt.Fprintf(&b, "%s is %s", args(t), action(t.Want))
		if t.ABI.Text != "" {
			fmt.Fprintf(&b, " on %s", t.ABI.Text)
		}
		if t.Caps != nil {
			fmt.Fprintf(&b, " with%s", words(t.Caps))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// args writes down a test's call and what it fixes.
func args(t policy.Test) string {
	s := t.Call.Text
	for _, a := range t.Args {
		s += fmt.Sprintf(" %s=%s", a.Param.Text, a.Value)
	}
	return s
}

func parse(t *testing.T, src string) *policy.Policy {
	t.Helper()
	p, diags := policy.Parse("policy.yaml", []byte(src), read)
	if p == nil || len(diags) > 0 {
		t.Fatalf("%s\n%v", src, diags)
	}
	return p
}

func TestParse(t *testing.T) {
	p := parse(t, whole)
	if got := means(p); got != wholeMeans {
		t.Errorf("got\n%s\nwant\n%s", got, wholeMeans)
	}
	if p.Imported || p.File != "policy.yaml" {
		t.Errorf("imported %v, file %q", p.Imported, p.File)
	}
	for name, src := range map[string]string{
		"CRLF":            strings.ReplaceAll(whole, "\n", "\r\n"),
		"byte order mark": "\ufeff" + whole,
	} {
		got := parse(t, src)
		if got.Sources = p.Sources; !reflect.DeepEqual(got, p) {
			t.Errorf("%s: the policy or a position in it differs", name)
		}
	}
}

// What is absent has the zero value, and what looks odd is one word nevertheless.
func TestParseSparse(t *testing.T) {
	for src, want := range map[string][2]string{
		"{default: allow, seccompc: 1}":                       {},
		"--- # first\nseccompc: '1'\ndefault: \"allow\"\n...": {},
		"%YAML 1.1\n---\nseccompc: 1\ndefault: allow":         {},
		"seccompc: 1\ndefault: allow\nrules: []\nflags: []":   {},
		"seccompc: 1\ndefault: allow\nname: 2024-01-01":       {"2024-01-01", ""},
		"seccompc: 1\ndefault: allow\ndescription: yes":       {"", "yes"},
		"seccompc: 1\ndefault: allow\ndescription: 'a\n\n b'": {"", "a\nb"},
	} {
		want := fmt.Sprintf("name %s, %s, reviewed , install \ntargets\nflags\ndefault allow, unknown no action, foreign no action\n", want[0], want[1])
		if got := means(parse(t, src)); got != want {
			t.Errorf("%q: got\n%s\nwant\n%s", src, got, want)
		}
	}
}

func TestPositions(t *testing.T) {
	p := parse(t, whole)
	at := func(pos policy.Pos) string { return fmt.Sprintf("%d:%d", pos.Line, pos.Col) }
	clone, socket, read := p.Rules[2].Calls[0].If, p.Rules[2].Calls[1].If, p.Rules[2].Calls[4].If
	mask, one := clone.X.Y, read.Y.Y
	for what, pair := range map[string][2]string{
		"a quoted target":             {at(p.Targets[1].Pos), "7:24"},
		"an argument in quotes":       {at(p.Unknown.Arg.Pos), "9:18"},
		"an argument":                 {at(p.Foreign.Arg.Pos), "10:15"},
		"a group's member":            {at(p.Groups["@more"].Calls[2].Pos), "19:25"},
		"a condition":                 {at(clone.Pos), "25:12"},
		"a mask":                      {at(mask.Pos), "25:19"},
		"the second line of a scalar": {at(socket.List[2].Pos), "27:7"},
		"the second line of a block":  {at(one.Pos), "32:15"},
		"a kernel":                    {at(p.Rules[3].When.Kernel.Pos), "35:14"},
		"a condition in quotes":       {at(p.Rules[4].Calls[0].If.X.Pos), "36:35"},
		"a rule":                      {at(p.Rules[5].Pos), "37:3"},
		"a quoted action's argument":  {at(p.Rules[5].Action.Arg.Pos), "37:10"},
		"a capability in quotes":      {at(p.Capabilities[1].Pos), "13:30"},
		"a code in quotes":            {at(p.Accepts[1].Code.Pos), "16:3"},
		"a reason":                    {at(p.Accepts[0].Reason.Pos), "15:18"},
		"a rule's capability":         {at(p.Rules[11].When.Caps[0].Pos), "43:28"},
		"a call":                      {at(p.Tests[1].Call.Pos), "48:9"},
		"an argument's second line":   {at(p.Tests[1].Args[2].Param.Pos), "49:5"},
		"a call in quotes":            {at(p.Tests[2].Call.Pos), "51:11"},
		"a call's text":               {at(p.Tests[2].Text.Pos), "51:10"},
		"a named argument":            {at(p.Tests[2].Args[1].Param.Pos), "51:39"},
		"its value":                   {at(p.Tests[2].Args[1].Value.Pos), "51:43"},
		"a test's ABI":                {at(p.Tests[2].ABI.Pos), "51:62"},
		"an argument of what is met":  {at(p.Tests[4].Want.Arg.Pos), "53:46"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is at %s, want %s", what, pair[0], pair[1])
		}
	}
}

func TestDiagnostics(t *testing.T) {
	var d policy.Diagnostics
	d.Warnf("code", policy.Pos{File: "b", Line: 2, Col: 1}, "", "careful")
	if d.Err() != nil {
		t.Error("a warning alone is an error")
	}
	d.Errorf("code", policy.Pos{File: "b", Line: 10, Col: 1}, "", "late")
	d.Errorf("code", policy.Pos{File: "b", Line: 2, Col: 3}, "on arm", "same")
	d.Errorf("code", policy.Pos{File: "b", Line: 2, Col: 3}, "on mips", "same")
	d.Errorf("code", policy.Pos{File: "b", Line: 2, Col: 3}, "", "other")
	d.Errorf("code", policy.Pos{File: "a"}, "", "whole %s", "file")
	const want = "a: whole file\nb:2:1: warning: careful\nb:2:3: other\nb:2:3: same\nb:10:1: late"
	if got := d.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if s := d.Sorted(); len(s) != 5 || s[3].Hint != "on arm" || len(d) != 6 {
		t.Errorf("sorted: %+v", s)
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"read", "openat", "open", "clone3", "kill_process"}
	for word, want := range map[string]string{
		"raed": "read", "opne": "open", "opennat": "openat", "clone4": "clone3", "kil_proces": "kill_process",
		"read": "", "xyz": "", "": "", "rd": "", "killprocessor": "kill_process", strings.Repeat("read", 100): "",
	} {
		if want != "" {
			want = fmt.Sprintf("did you mean %q?", want)
		}
		if got := policy.Suggest(word, names); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
