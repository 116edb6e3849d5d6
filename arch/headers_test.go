package arch

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// uapi says per ABI which Debian triples have its headers, and which macros its
// compiler predefines for them to ask for.
var uapi = map[string]struct{ triples, macros string }{
	"x86_64":      {"x86_64-linux-gnu", "__x86_64__"},
	"i386":        {"i386-linux-gnu i686-linux-gnu", "__i386__"},
	"x32":         {"x86_64-linux-gnux32", "__x86_64__ __ILP32__"},
	"arm":         {"arm-linux-gnueabihf", "__arm__ __ARM_EABI__"},
	"aarch64":     {"aarch64-linux-gnu", "__aarch64__"},
	"riscv64":     {"riscv64-linux-gnu", "__riscv __riscv_xlen=64"},
	"riscv32":     {"riscv64-linux-gnu", "__riscv __riscv_xlen=32"},
	"loongarch64": {"loongarch64-linux-gnu", "__loongarch__ __loongarch_grlen=64"},
	"s390x":       {"s390x-linux-gnu", "__s390__ __s390x__"},
	"s390":        {"s390x-linux-gnu", "__s390__"},
	"ppc64le":     {"powerpc64le-linux-gnu", "__powerpc__ __powerpc64__ __LITTLE_ENDIAN__"},
	"ppc64":       {"powerpc64-linux-gnu", "__powerpc__ __powerpc64__ __BIG_ENDIAN__"},
	"ppc":         {"powerpc-linux-gnu", "__powerpc__ __BIG_ENDIAN__"},
	"mips":        {"mips-linux-gnu", "__mips__ __MIPSEB__ _MIPS_SIM=1 _MIPS_SZLONG=32"},
	"mipsel":      {"mipsel-linux-gnu", "__mips__ __MIPSEL__ _MIPS_SIM=1 _MIPS_SZLONG=32"},
	"mips64":      {"mips64-linux-gnuabi64", "__mips__ __mips64 __MIPSEB__ _MIPS_SIM=3 _MIPS_SZLONG=64"},
	"mipsel64":    {"mips64el-linux-gnuabi64", "__mips__ __mips64 __MIPSEL__ _MIPS_SIM=3 _MIPS_SZLONG=64"},
	"mips64n32":   {"mips64-linux-gnuabi64 mips64-linux-gnuabin32", "__mips__ __mips64 __MIPSEB__ _MIPS_SIM=2 _MIPS_SZLONG=32"},
	"mipsel64n32": {"mips64el-linux-gnuabi64 mips64el-linux-gnuabin32", "__mips__ __mips64 __MIPSEL__ _MIPS_SIM=2 _MIPS_SZLONG=32"},
	"parisc":      {"hppa-linux-gnu", "__hppa__"},
	"parisc64":    {"hppa-linux-gnu", "__hppa__"},
	"m68k":        {"m68k-linux-gnu", "__m68k__"},
	"sh":          {"sh4-linux-gnu", "__sh__ __LITTLE_ENDIAN__"},
	"sheb":        {"sh4-linux-gnu", "__sh__"},
}

// TestHeaders compares each constant with the kernel's UAPI headers of its
// ABI. SECCOMPC_HEADERS lists directories with unpacked Debian packages, as
// headers.sh prints them; without it, those installed on this machine count.
// The C preprocessor of any machine does, and this file does the rest.
func TestHeaders(t *testing.T) {
	cpp, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no cc: nothing compared with the kernel's headers")
	}
	asked := os.Getenv("SECCOMPC_HEADERS")
	// Some headers forget to include the first one.
	headers, names := []string{"asm/bitsperlong.h"}, []string{}
	for _, c := range sheet(t, "consts.csv") {
		if h := c[3]; !strings.HasPrefix(h, "libc ") && !strings.HasPrefix(h, "include/") {
			names = append(names, c[0])
			if !slices.Contains(headers, h) {
				headers = append(headers, h)
			}
		}
	}
	names = slices.Compact(names)
	for _, root := range filepath.SplitList(cmp.Or(asked, "/")) {
		found, all := map[*ABI]definitions{}, definitions{}
		var without []string
		for _, a := range All() {
			dirs := includes(root, uapi[a.Name].triples)
			if dirs == nil {
				without = append(without, a.Name)
				continue
			}
			defs, err := define(cpp, dirs, a, headers)
			if err != nil {
				t.Errorf("%s: %s: %v", root, a.Name, err)
			} else if defs["__BITS_PER_LONG"].value != int64(a.LongBits) {
				t.Logf("%s: %s: not compared: the headers have no ABI with a long of %d bits", root, a.Name, a.LongBits)
			} else {
				found[a] = defs
				maps.Copy(all, defs)
			}
		}
		t.Logf("%s: not compared, for there are no headers of Debian's: %s", root, without)
		var lacking []string // in all headers, though one of their ABIs has it
		for _, name := range names {
			if _, ok := all[name]; !ok && slices.ContainsFunc(slices.Collect(maps.Keys(found)), func(a *ABI) bool { _, ok := a.Const(name); return ok }) {
				lacking = append(lacking, name)
			}
		}
		if len(found) == 0 && asked != "" {
			t.Errorf("%s: no headers; run headers.sh", root)
		} else if len(lacking) > 0 {
			t.Logf("%s: not compared, for no header has them: %s", root, lacking)
		}
		for _, a := range All() {
			if found[a] != nil {
				compare(t, root, a, names, found[a], len(lacking) == 0)
			}
		}
	}
}

// compare holds an ABI's constants to its headers, and says what those don't
// tell. Where they are current, a constant they lack is one too many.
func compare(t *testing.T, root string, a *ABI, names []string, defs definitions, current bool) {
	var equal, unsized, lacking int
	var unknown []string
	size := int64(1<<defs["_IOC_SIZEBITS"].value-1) << defs["_IOC_SIZESHIFT"].value
	for _, name := range names {
		ours, have := a.Const(name)
		theirs, defined := defs[name]
		differ := ours ^ theirs.value
		if a.LongBits == 32 {
			differ &= 1<<32 - 1
		}
		switch {
		case !have && (!defined || theirs.unsized || theirs.err != nil):
		case !have:
			t.Errorf("%s: %s lacks %s, %#x in the headers", root, a.Name, name, theirs.value)
		case !defined && current:
			t.Errorf("%s: %s has %s %#x, which only other ABIs' headers have", root, a.Name, name, ours)
		case !defined:
			lacking++
		case theirs.err != nil:
			unknown = append(unknown, fmt.Sprintf("%s (%v)", name, theirs.err))
		case theirs.unsized && differ&^size == 0:
			unsized++
		case strings.HasPrefix(a.Name, "parisc") && strings.HasPrefix(name, "MADV_") && theirs.value >= 65 && theirs.value <= 73:
			lacking++ // Linux 6.2 gave these the numbers of the other ABIs, and takes its old ones still.
		case differ != 0:
			t.Errorf("%s: %s: %s is %#x, in the headers %#x", root, a.Name, name, ours, theirs.value)
		default:
			equal++
		}
	}
	t.Logf("%s: %s: %d equal, %d equal but for the size of a struct; not compared: %d that these headers lack, %d not understood %s",
		root, a.Name, equal, unsized, lacking, len(unknown), unknown)
	if equal < 1500 {
		t.Errorf("%s: %s: only %d compared", root, a.Name, equal)
	}
}

// includes returns the include directories of one of the triples below root,
// nil where none has asm/: those of a cross package, or of one for all machines.
func includes(root, triples string) []string {
	for _, triple := range strings.Fields(triples) {
		for _, dirs := range [][]string{
			{filepath.Join(root, "usr", triple, "include")},
			{filepath.Join(root, "usr/include", triple), filepath.Join(root, "usr/include")},
		} {
			if _, err := os.Stat(filepath.Join(dirs[0], "asm/fcntl.h")); err == nil {
				return dirs
			}
		}
	}
	return nil
}

// define returns what an ABI's headers make of each constant. It lets the
// preprocessor expand them as macros, and reads the enumerators from the rest.
func define(cpp string, dirs []string, a *ABI, headers []string) (definitions, error) {
	args := []string{"-E", "-P", "-undef", "-nostdinc", "-D__CHAR_BIT__=8", "-D__SIZEOF_LONG__=" + strconv.Itoa(a.LongBits/8), "-D__SIZEOF_POINTER__=" + strconv.Itoa(a.LongBits/8)}
	if a.LongBits == 64 {
		args = append(args, "-D__LP64__")
	}
	for _, macro := range strings.Fields(uapi[a.Name].macros) {
		args = append(args, "-D"+macro)
	}
	// What the headers want of libc: nothing, for we only read constants.
	libc, err := os.MkdirTemp("", "headers")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(libc)
	for _, name := range []string{"unistd.h", "limits.h", "sys/socket.h"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(libc, name)), 0o777); err != nil {
			return nil, err
		} else if err := os.WriteFile(filepath.Join(libc, name), nil, 0o666); err != nil {
			return nil, err
		}
	}
	for _, dir := range append([]string{libc}, dirs...) {
		args = append(args, "-I"+dir)
	}
	var in, stderr bytes.Buffer
	for _, h := range headers {
		fmt.Fprintf(&in, "#if __has_include(<%s>)\n#include <%[1]s>\n#endif\n", h)
	}
	const mark = "seccompc_macros"
	fmt.Fprintf(&in, "%s\n", mark)
	for _, name := range append(Consts(), "_IOC_SIZEBITS", "_IOC_SIZESHIFT", "__BITS_PER_LONG") {
		fmt.Fprintf(&in, "#ifdef %s\n%q %[1]s\n#endif\n", name, name)
	}
	cmd := exec.Command(cpp, append(args, "-xc", "-")...)
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %s", err, stderr.String())
	}
	code, macros, _ := strings.Cut(string(out), mark)
	e := &evaluator{long: int64(a.LongBits / 8), defs: definitions{}}
	e.enums(lexeme.FindAllString(code, -1))
	for line := range strings.Lines(macros) {
		if tokens := lexeme.FindAllString(line, -1); len(tokens) > 1 {
			e.defs[strings.Trim(tokens[0], `"`)] = e.eval(tokens[1:])
		}
	}
	return e.defs, nil
}
