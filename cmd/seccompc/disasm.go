package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/blob"
	"github.com/seccompc/seccompc/compiler/inspect"
)

func disasmCommand() *cobra.Command {
	var target string
	c := &cobra.Command{
		Use:   "disasm [--target T] FILE",
		Short: "List the programs of a blob, or a raw program",
		Long: `Disasm lists the programs of a blob, instruction by instruction. With --target it lists
only that program; for a raw file --target is required, since the file does not say which
ABI and byte order it is for.`,
		Example: `  seccompc disasm policies/toaster.seccomp
  seccompc disasm --target x86_64 toaster.bpf`,
		Args: oneFile("blob or raw file"),
		RunE: func(_ *cobra.Command, args []string) error { return disasm(args[0], target) },
	}
	c.Flags().StringVar(&target, "target", "", "list only `TARGET`; required for raw files")
	return c
}

func disasm(file, target string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, blob.MaxSize+1))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	b, err := blob.Decode(data)
	switch {
	case errors.Is(err, blob.ErrNotBlob) && target != "":
		abis, err := oneTarget(target)
		if err != nil {
			return err
		}
		if err := listing(out, file, data, abis); err != nil {
			return err
		}
		return out.Flush()
	case errors.Is(err, blob.ErrNotBlob):
		complain(fmt.Sprintf("%s: %v", file, err), "a raw program needs --target")
		return reported(1)
	case err != nil:
		complain(fmt.Sprintf("%s: %v", file, err), "compile it again from its policy")
		return reported(1)
	}
	found := false
	for _, t := range b.Targets {
		abis := abisOf(t)
		if target != "" && t.Label != target && (len(abis) == 0 || arch.Lookup(target) != abis[0]) {
			continue
		}
		if found {
			fmt.Fprintln(out)
		}
		found = true
		fmt.Fprintf(out, "# policy %s, target %s\n", b.Name, t.Label)
		if b.Fallbacks != 0 {
			fmt.Fprintf(out, "# on kernels that lack an action: %v\n", b.Fallbacks)
		}
		if err := listing(out, file, t.Program, abis); err != nil {
			return err
		}
	}
	if !found {
		var has []string
		for _, t := range b.Targets {
			has = append(has, t.Label)
		}
		complain(fmt.Sprintf("%s: no target %q", file, target), "it has "+strings.Join(has, ", "))
		return reported(1)
	}
	return out.Flush()
}

// abisOf finds the ABIs that a blob's target names by number; those that this program doesn't know are left out.
func abisOf(t blob.Target) (abis []*arch.ABI) {
	for _, served := range t.ABIs {
		for _, a := range arch.All() {
			if a.Audit == served.Audit && a.Bit == served.Bit && a.BigEndian == (t.Order == blob.BigEndian) {
				abis = append(abis, a)
			}
		}
	}
	return abis
}

func listing(out io.Writer, file string, raw []byte, abis []*arch.ABI) error {
	prog, err := inspect.Instructions(raw, len(abis) > 0 && abis[0].BigEndian)
	if err != nil {
		complain(fmt.Sprintf("%s: %v", file, err), "a raw program is an array of struct sock_filter")
		return reported(1)
	}
	for i, text := range inspect.Disasm(prog, abis) {
		fmt.Fprintf(out, "%4d  %04x %3d %3d %08x  %s\n", i, prog[i].Op, prog[i].Jt, prog[i].Jf, prog[i].K, text)
	}
	return nil
}
