//go:build !linux

package load

import "github.com/seccompc/seccompc/blob"

// Read reads and checks a blob; off Linux it returns ErrUnsupported.
func Read(string) (*blob.Blob, error) { return nil, ErrUnsupported }

// ReadFile reads a blob's file; off Linux it returns ErrUnsupported.
func ReadFile(string) (*File, error) { return nil, ErrUnsupported }

// Check reports why the blob can't be installed; off Linux it returns ErrUnsupported.
func Check(*blob.Blob) error { return ErrUnsupported }

// Fallbacks returns the fallbacks that are applied; off Linux it returns ErrUnsupported.
func Fallbacks(*blob.Blob) (blob.Fallbacks, error) { return 0, ErrUnsupported }

// Thread installs the blob's program for the calling thread; off Linux it returns ErrUnsupported.
func Thread(*blob.Blob) error { return ErrUnsupported }

// Process installs the blob's program for all threads; off Linux it returns ErrUnsupported.
func Process(*blob.Blob) error { return ErrUnsupported }

// CheckExec reports why Exec would refuse the blobs; off Linux it returns ErrUnsupported.
func CheckExec(...*blob.Blob) error { return ErrUnsupported }

// Exec installs the blobs' programs and executes the command; off Linux it returns ErrUnsupported.
func Exec(Command, ...*blob.Blob) error { return ErrUnsupported }

// Listener installs the blob's program for all threads, with a listener; off Linux it returns ErrUnsupported.
func Listener(*blob.Blob) (int, error) { return -1, ErrUnsupported }

// Active reports whether the calling thread is under a filter; off Linux none is.
func Active() bool { return false }
