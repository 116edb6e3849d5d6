package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

func listCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List what policies can name: arches, syscalls",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var asJSON bool
	c.PersistentFlags().BoolVar(&asJSON, "json", false, "print JSON")
	c.AddCommand(&cobra.Command{
		Use:     "arches",
		Short:   "List the ABIs",
		Example: "  seccompc list arches",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return listArches(asJSON) },
	})
	var target string
	syscalls := &cobra.Command{
		Use:   "syscalls [--target T]",
		Short: "List the system calls of a target's ABIs",
		Example: `  seccompc list syscalls --target x86_64+i386
  seccompc list syscalls --target aarch64 --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			abis, err := oneTarget(target)
			if err != nil {
				return err
			}
			return listSyscalls(abis, asJSON)
		},
	}
	syscalls.Flags().StringVar(&target, "target", "", "the ABIs of `TARGET` (default: this machine's)")
	c.AddCommand(syscalls)
	return c
}

// oneTarget reads a --target; empty stands for this machine's ABI.
func oneTarget(word string) ([]*arch.ABI, error) {
	if word == "" {
		if host := arch.Host(); host != nil {
			return []*arch.ABI{host}, nil
		}
		return nil, usageError{fmt.Errorf("this machine's ABI is unknown: give one with --target")}
	}
	targets, findings := resolve.Targets([]policy.Word{{Text: word, Pos: policy.Pos{File: "--target"}}})
	if len(findings) > 0 {
		report(findings, nil)
		return nil, reported(2)
	}
	return targets[0], nil
}

func listArches(asJSON bool) error {
	type row struct {
		Name      string `json:"name"`
		Audit     uint32 `json:"audit"`
		Bit       uint32 `json:"bit"`
		Register  int    `json:"register_bits"`
		Long      int    `json:"long_bits"`
		Wide      string `json:"wide"`
		ByteOrder string `json:"byte_order"`
		GOARCH    string `json:"goarch"`
		Syscalls  int    `json:"syscalls"`
	}
	var rows []row
	for _, a := range arch.All() {
		order := "little"
		if a.BigEndian {
			order = "big"
		}
		rows = append(rows, row{a.Name, a.Audit, a.Bit, a.RegBits, a.LongBits, a.Wide.String(), order, a.GOARCH, len(a.Syscalls())})
	}
	if asJSON {
		return printJSON(rows)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ABI\tAUDIT ARCH\tNUMBER BIT\tREGISTER\tLONG\t64-BIT ARGUMENT\tBYTE ORDER\tGOARCH\tSYSCALLS")
	for _, r := range rows {
		bit := "-"
		if r.Bit != 0 {
			bit = fmt.Sprintf("%#x", r.Bit)
		}
		fmt.Fprintf(w, "%s\t%#08x\t%s\t%d\t%d\t%s\t%s\t%s\t%d\n",
			r.Name, r.Audit, bit, r.Register, r.Long, r.Wide, r.ByteOrder, cmp.Or(r.GOARCH, "-"), r.Syscalls)
	}
	return w.Flush()
}

func listSyscalls(abis []*arch.ABI, asJSON bool) error {
	type row struct {
		Name    string            `json:"name"`
		Numbers map[string]uint32 `json:"numbers"` // by ABI
		Since   string            `json:"since,omitempty"`
	}
	byName := map[string]row{}
	for _, a := range abis {
		for _, s := range a.Syscalls() {
			r, ok := byName[s.Name]
			if !ok {
				r = row{Name: s.Name, Numbers: map[string]uint32{}}
				if v := arch.Since(s.Name); v != (arch.Version{}) {
					r.Since = v.String()
				}
				byName[s.Name] = r
			}
			r.Numbers[a.Name] = s.Number
		}
	}
	var rows []row
	for _, r := range byName {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b row) int {
		for _, abi := range abis { // by number, calls that the native ABI lacks last
			x, inA := a.Numbers[abi.Name]
			y, inB := b.Numbers[abi.Name]
			switch {
			case inA && inB:
				return cmp.Compare(x, y)
			case inA:
				return -1
			case inB:
				return 1
			}
		}
		return 0
	})
	if asJSON {
		return printJSON(rows)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	head := "SYSCALL"
	for _, a := range abis {
		head += "\t" + strings.ToUpper(a.Name)
	}
	fmt.Fprintln(w, head+"\tSINCE")
	for _, r := range rows {
		fmt.Fprint(w, r.Name)
		for _, a := range abis {
			if n, ok := r.Numbers[a.Name]; !ok {
				fmt.Fprint(w, "\t-")
			} else if n >= resolve.X32Bit || n >= 0x0f0000 { // numbers with a base of their own read better so
				fmt.Fprintf(w, "\t%#x", n)
			} else {
				fmt.Fprintf(w, "\t%d", n)
			}
		}
		fmt.Fprintf(w, "\t%s\n", cmp.Or(r.Since, "-"))
	}
	return w.Flush()
}

func printJSON(v any) error {
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
