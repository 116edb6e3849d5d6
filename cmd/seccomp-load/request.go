//go:build linux

package main

import (
	"strconv"
	"strings"

	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/blob/load"
)

// A request is what the command line asks for.
type request struct {
	help, version, check, print bool
	insecure                    bool
	files                       []pinned
	command                     []string // nil without a --
}

// A pinned is a blob's file and the digest that it must have; "" if none was given.
type pinned struct{ path, sum string }

func parse(args []string) (*request, error) {
	r := &request{}
	sum := ""
	for len(args) > 0 && args[0] != "--" {
		flag, value, joined := strings.Cut(args[0], "=")
		args = args[1:]
		switch {
		case flag == "--sha256":
			if !joined {
				if len(args) == 0 || args[0] == "--" {
					return nil, &refusal{"--sha256 without a digest", "write --sha256 HEX BLOB"}
				}
				value, args = args[0], args[1:]
			}
			if !isDigest(value) {
				return nil, &refusal{"--sha256 " + strconv.Quote(value) + ": a digest is 64 hexadecimal digits in lower case", "sha256sum prints it"}
			}
			if sum != "" {
				return nil, &refusal{"two --sha256 for one blob", "each goes before its blob"}
			}
			sum = value
		case !strings.HasPrefix(flag, "-") || joined:
			if joined {
				flag += "=" + value
			}
			if strings.HasPrefix(flag, "-") {
				return nil, &refusal{"unknown flag " + strconv.Quote(flag), "a file of that name is written ./" + flag}
			}
			r.files = append(r.files, pinned{flag, sum})
			sum = ""
		case flag == "--check":
			r.check = true
		case flag == "--print":
			r.print = true
		case flag == "--insecure-permissions":
			r.insecure = true
		case flag == "--version":
			r.version = true
		case flag == "--help" || flag == "-h":
			r.help = true
		default:
			return nil, &refusal{"unknown flag " + strconv.Quote(flag), "a file of that name is written ./" + flag}
		}
	}
	bare := len(args) == 0
	if !bare {
		r.command = args[1:]
	}
	hint := "write " + synopsis
	switch {
	case r.help || r.version:
	case sum != "":
		return nil, &refusal{"--sha256 without a blob behind it", "write --sha256 HEX BLOB"}
	case bare && !r.check && !r.print:
		return nil, &refusal{"missing --", hint}
	case len(r.files) == 0:
		return nil, &refusal{"no blob before --: the command would run without a filter", hint}
	case !bare && len(r.command) == 0:
		return nil, &refusal{"no command behind --", hint}
	}
	return r, nil
}

// read reads the blobs, and prints what they are where that is asked for. Printing needs no trust.
func (r *request) read() (blobs []*blob.Blob, err error) {
	for _, p := range r.files {
		f, err := load.ReadFile(p.path)
		if err != nil {
			return nil, err
		}
		sum := hex(digest(f.Data))
		if p.sum != "" && p.sum != sum {
			return nil, &refusal{p.path + ": its SHA-256 is " + sum + ", --sha256 wants " + p.sum, ""}
		}
		if p.sum == "" && !r.insecure && !r.print {
			if err := f.Trusted(); err != nil {
				return nil, &refusal{err.Error(), "say which bytes you mean with --sha256 HEX, or take whatever is there with --insecure-permissions"}
			}
		}
		b, err := decode(f.Data)
		if err != nil {
			return nil, &refusal{p.path + ": " + err.Error(), ""}
		}
		blobs = append(blobs, b)
		if r.print {
			out := p.path + ": policy " + b.Name + ", format 1.0\n  sha256  " + sum +
				"\n  source  " + hex(b.Inputs.Source) + "\n"
			if b.Complain {
				out += "  complains: what it denies is done, and logged\n"
			}
			if b.Fallbacks != 0 {
				out += "  fallbacks  " + b.Fallbacks.String() + "\n"
			}
			for _, t := range b.Targets {
				out += "  target  " + t.Label + ", " + strconv.Itoa(t.Instructions()) + " instructions\n"
			}
			put(stdout, out)
		}
	}
	return blobs, nil
}

func isDigest(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return len(s) == 64
}

func hex(sum [32]byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 64)
	for _, b := range sum {
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}
