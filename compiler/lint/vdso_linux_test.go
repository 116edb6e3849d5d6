package lint

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seccompc/seccompc/arch"
)

// TestVDSOHere holds the table to the running kernel's vDSO: each of its functions that does a call's work is listed.
func TestVDSOHere(t *testing.T) {
	host := arch.Host()
	if host == nil || host.RegBits != 64 || host.BigEndian {
		t.Skip("the auxiliary vector is read as 64-bit and little-endian")
	}
	auxv, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		t.Fatal(err)
	}
	var image []byte
	for ; len(auxv) >= 16; auxv = auxv[16:] {
		const sysinfoEhdr = 33 // AT_SYSINFO_EHDR of linux/auxvec.h
		if at := uintptr(binary.LittleEndian.Uint64(auxv[8:])); binary.LittleEndian.Uint64(auxv) == sysinfoEhdr {
			image = mapped(t, at)
		}
	}
	if image == nil {
		t.Skip("no vDSO")
	}
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	answered := 0
	for _, s := range symbols {
		call := strings.TrimPrefix(strings.TrimPrefix(s.Name, "__vdso_"), "__kernel_")
		if _, ok := host.Number(call); !ok || call == "rt_sigreturn" {
			continue
		}
		answered++
		if !slices.ContainsFunc(vdso, func(v struct{ call, abis string }) bool {
			return v.call == call && slices.Contains(strings.Fields(v.abis), host.Name)
		}) {
			t.Errorf("%s: the vDSO answers %s", host.Name, call)
		}
	}
	if answered < 3 {
		t.Errorf("%d of %d symbols are calls", answered, len(symbols))
	}
}

// mapped returns this process's memory from an address to the end of its mapping.
func mapped(t *testing.T, from uintptr) []byte {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	for line := range strings.Lines(string(maps)) {
		var start, end uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x", &start, &end); n == 2 && start == from {
			image := make([]byte, end-start)
			if _, err := mem.ReadAt(image, int64(start)); err != nil {
				t.Fatal(err)
			}
			return image
		}
	}
	t.Fatalf("nothing is mapped at %#x", from)
	return nil
}
