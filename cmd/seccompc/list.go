package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
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
		Short: "List what policies can name: arches, syscalls, groups, constants",
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
	var long bool
	syscalls := &cobra.Command{
		Use:   "syscalls [--target T] [--long]",
		Short: "List the system calls of a target's ABIs",
		Long: `Syscalls lists the system calls of a target's ABIs with their numbers and the kernel that
brought them. With --long it shows their parameters too, on the native ABI: the argument,
the name, and the bits that the kernel uses, which are those that a condition compares.`,
		Example: `  seccompc list syscalls --target x86_64+i386
  seccompc list syscalls --long --target aarch64
  seccompc list syscalls --target aarch64 --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			abis, err := oneTarget(target)
			if err != nil {
				return err
			}
			return listSyscalls(abis, long, asJSON)
		},
	}
	constants := &cobra.Command{
		Use:   "constants [--target T] [PATTERN]",
		Short: "List the named constants of a target's ABIs",
		Long: `Constants lists the constants that conditions can name, with their values on a target's
ABIs. The pattern is that of file names, as in 'O_*'; letter case does not count.`,
		Example: `  seccompc list constants 'O_*'
  seccompc list constants --target x86_64+i386 'F_*LK*'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			abis, err := oneTarget(target)
			if err != nil {
				return err
			}
			return listConstants(abis, strings.Join(args, ""), asJSON)
		},
	}
	syscalls.Flags().BoolVar(&long, "long", false, "show the parameters")
	for _, sub := range []*cobra.Command{syscalls, constants} {
		sub.Flags().StringVar(&target, "target", "", "the ABIs of `TARGET` (default: this machine's)")
	}
	c.AddCommand(syscalls, constants, &cobra.Command{
		Use:   "groups [@GROUP]",
		Short: "List the built-in groups, or the calls of one",
		Example: `  seccompc list groups
  seccompc list groups @file-system`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return listGroups(strings.Join(args, ""), asJSON) },
	})
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
	w := table()
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

// table aligns what is printed in columns, on standard output.
func table() *tabwriter.Writer { return tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0) }

func printJSON(v any) error {
	enc := json.NewEncoder(os.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
