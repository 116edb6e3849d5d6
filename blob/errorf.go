package blob

import (
	"errors"
	"strconv"
	"strings"
)

// errorf is as much of fmt.Errorf as is used here: %d and %#x of integers, %q of strings and lists of them, %s, %w. With package fmt come
// package os and their initialisers, a twentieth of seccomp-load.
func errorf(format string, args ...any) error {
	e := &formatted{}
	for _, arg := range args {
		before, rest, _ := strings.Cut(format, "%")
		verb := strings.TrimPrefix(rest, "#")
		format = verb[1:]
		e.text += before
		switch v := arg.(type) {
		case error:
			e.text, e.err = e.text+v.Error(), v
		case string:
			if verb[0] == 'q' {
				v = strconv.Quote(v)
			}
			e.text += v
		case []string:
			quoted := make([]string, len(v))
			for i := range v {
				quoted[i] = strconv.Quote(v[i])
			}
			e.text += "[" + strings.Join(quoted, " ") + "]"
		default:
			n := integer(v)
			if verb[0] == 'x' {
				e.text += "0x" + strconv.FormatInt(n, 16)
			} else {
				e.text += strconv.FormatInt(n, 10)
			}
		}
	}
	e.text += format
	if e.err == nil {
		return errors.New(e.text)
	}
	return e
}

// integer returns a value of one of the types of integers that errors here tell.
func integer(v any) int64 {
	switch v := v.(type) {
	case int:
		return int64(v)
	case uint8:
		return int64(v)
	case uint16:
		return int64(v)
	case uint32:
		return int64(v)
	case uint64:
		return int64(v)
	case Install:
		return int64(v)
	case Order:
		return int64(v)
	}
	return -1
}

// A formatted error wraps another one.
type formatted struct {
	text string
	err  error
}

func (e *formatted) Error() string { return e.text }

func (e *formatted) Unwrap() error { return e.err }
