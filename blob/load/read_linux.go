package load

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/blob"
)

// Read maps a blob's file, copies it to private memory and checks the copy, so that what was checked is what gets
// installed whatever happens to the file meanwhile.
func Read(path string) (b *blob.Blob, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0) // not to wait for a pipe's writer
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return nil, unix.EISDIR
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, fmt.Errorf("not a regular file")
	case st.Size == 0:
		return nil, fmt.Errorf("empty file")
	case st.Size > blob.MaxSize:
		return nil, fmt.Errorf("file of %d bytes: a blob has at most %d", st.Size, blob.MaxSize)
	}
	data, err := private(fd, int(st.Size))
	if err != nil {
		return nil, err
	}
	return blob.Decode(data)
}

// private copies size bytes of a mapping. A file that is truncated meanwhile raises SIGBUS at the missing pages.
func private(fd, size int) (data []byte, err error) {
	m, err := unix.Mmap(fd, 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	defer unix.Munmap(m)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("the file was truncated while it was read")
		}
	}()
	return bytes.Clone(m), nil
}
