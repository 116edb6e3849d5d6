//go:build linux

package arch_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/arch"
)

// renamed are calls whose SYSCALL_DEFINE has another name.
var renamed = map[string]string{
	"stat": "newstat", "lstat": "newlstat", "fstat": "newfstat", "uname": "newuname", "umount2": "umount", "sendfile": "sendfile64",
}

// nameless are the registers that have no row on purpose: those that the man
// pages call arg1 to arg5, and the half of an offset that 64 bits don't need.
var nameless = regexp.MustCompile(`^(arg[1-5]|pos_h|unused)$`)

var field = regexp.MustCompile(`(?m)^\tfield:(.*?)\s*(\w+);\toffset:\d+;\tsize:8;`)

// The declarations of the running kernel, which tracefs shows, agree with the
// table: names, order, widths, and nothing is left out.
func TestKernelDeclarations(t *testing.T) {
	host := arch.Host()
	if host == nil || host.RegBits != 64 {
		t.Skip("no declarations are known for this ABI")
	}
	const events = "events/syscalls"
	dir := "/sys/kernel/tracing"
	if _, err := os.ReadDir(filepath.Join(dir, events)); err != nil {
		dir = t.TempDir()
		if err := unix.Mount("none", dir, "tracefs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
			t.Skipf("tracefs can't be read or mounted: %v", err)
		}
		t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	}
	if _, err := os.ReadDir(filepath.Join(dir, events)); err != nil {
		t.Skipf("this kernel doesn't trace calls: %v", err)
	}
	table, err := os.ReadFile("params.csv")
	if err != nil {
		t.Fatal(err)
	}
	narrower := regexp.MustCompile(`(?m)^[^,]*,(\w+),\d,(\w+),.*,narrower .*$`)
	used := map[string]bool{}
	for _, m := range narrower.FindAllStringSubmatch(string(table), -1) {
		used[m[1]+" "+m[2]] = true
	}
	seen := 0
	for _, call := range host.Syscalls() {
		name := call.Name
		if other, ok := renamed[name]; ok {
			name = other
		}
		format, err := os.ReadFile(filepath.Join(dir, events, "sys_enter_"+name, "format"))
		if err != nil {
			continue
		}
		byIndex := map[int]arch.Param{}
		for _, p := range host.Params(call.Name) {
			byIndex[p.Index] = p
		}
		for i, f := range field.FindAllStringSubmatch(string(format), -1) {
			ctype, kernel := f[1], f[2]
			p, ok := byIndex[i]
			if !ok {
				if !nameless.MatchString(kernel) {
					t.Errorf("%s: no row for %s %s at %d", call.Name, ctype, kernel, i)
				}
				continue
			}
			delete(byIndex, i)
			seen++
			if p.Name != kernel && p.Alias != kernel && !nameless.MatchString(kernel) {
				t.Errorf("%s: %s (%s) at %d is %s for the kernel", call.Name, p.Name, p.Alias, i, kernel)
			}
			declared, pointer := declaredBits(ctype)
			if pointer != p.Pointer || p.Established && (p.Bits > declared || p.Bits < declared && !used[call.Name+" "+p.Name]) {
				t.Errorf("%s: %+v, declared %s", call.Name, p, ctype)
			}
		}
		for _, p := range byIndex {
			t.Errorf("%s: the kernel has no %s at %d", call.Name, p.Name, p.Index)
		}
	}
	if seen < 900 {
		t.Errorf("%d parameters seen", seen)
	}
	t.Logf("%d parameters", seen)
}

// declaredBits returns the width of a C type where long has 64 bits.
func declaredBits(ctype string) (bits int, pointer bool) {
	ctype = strings.TrimPrefix(ctype, "const ")
	switch {
	case strings.Contains(ctype, "*"), ctype == "cap_user_header_t", ctype == "cap_user_data_t":
		return 64, true
	case ctype == "umode_t":
		return 16, false
	case strings.Contains(ctype, "long"), ctype == "size_t", ctype == "off_t", ctype == "loff_t", ctype == "__u64", ctype == "aio_context_t":
		return 64, false
	}
	return 32, false
}
