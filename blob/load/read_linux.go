package load

import (
	"errors"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/seccompc/seccompc/blob"
)

// Read reads and checks a blob. What it checks is a private copy, so that gets installed whatever happens to the file meanwhile.
func Read(path string) (*blob.Blob, error) {
	f, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	return f.Decode()
}

// ReadFile reads a regular file of at most blob.MaxSize bytes.
//
// It reads and does not map: a private mapping shows what others write to the file until its pages are copied, and raises
// SIGBUS where the file was truncated, so that a mapping had to be copied anyway.
func ReadFile(path string) (f *File, err error) {
	defer func() {
		if err != nil {
			err = &wrapped{path, err}
		}
	}()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0) // not to wait for a pipe's writer
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &wrapped{"fstat", err}
	}
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return nil, unix.EISDIR
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, errors.New("not a regular file")
	case st.Size == 0:
		return nil, errors.New("empty file")
	case st.Size > blob.MaxSize:
		return nil, errors.New("file of " + strconv.FormatInt(st.Size, 10) + " bytes: a blob has at most " + strconv.Itoa(blob.MaxSize))
	}
	data := make([]byte, st.Size+1)
	size := 0
	for size < len(data) {
		n, err := unix.Read(fd, data[size:])
		if err != nil {
			return nil, &wrapped{"read", err}
		}
		if n == 0 {
			break
		}
		size += n
	}
	if int64(size) != st.Size {
		return nil, errors.New("the file changed while it was read")
	}
	return &File{Path: path, Data: data[:size], mode: st.Mode, uid: st.Uid}, nil
}
