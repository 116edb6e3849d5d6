//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// initrd returns a folder's files, and a console, as an archive of cpio's newc format: buffer-format.rst of the kernel's
// early-userspace documentation.
func initrd(folder string) ([]byte, error) {
	var out bytes.Buffer
	number := 0
	add := func(name string, mode uint32, major, minor int, data []byte) {
		number++
		fmt.Fprintf(&out, "070701")
		for _, field := range []int{number, int(mode), 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name) + 1, 0} {
			fmt.Fprintf(&out, "%08x", field)
		}
		out.WriteString(name + "\x00")
		out.Write(make([]byte, -out.Len()&3))
		out.Write(data)
		out.Write(make([]byte, -out.Len()&3))
	}
	const directory, device, program = 0o040755, 0o020600, 0o100755
	add("dev", directory, 0, 0, nil)
	add("dev/console", device, 5, 1, nil)
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			return nil, err
		}
		add(f.Name(), program, 0, 0, data)
	}
	add("TRAILER!!!", 0, 0, 0, nil)
	return out.Bytes(), nil
}
