// Seccompc compiles seccomp policies to blobs for seccomp-load, offline and for every ABI at once.
//
// Exit codes: 0 done; 1 the policy or program given is wrong; 2 it could not be tried: the command line is wrong, or a
// file can't be read or written.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run()) }

// A usageError is a mistake on the command line.
type usageError struct{ error }

// A reported error was said already; only the exit code is left.
type reported int

func (r reported) Error() string { return "exit code " + strconv.Itoa(int(r)) }

func run() int {
	inJSON = wantsJSON(os.Args[1:])
	return exitCode(root().Execute())
}

// exitCode is the exit code for an error, which is said if it wasn't.
func exitCode(err error) int {
	var usage usageError
	var said reported
	switch {
	case err == nil:
		return 0
	case errors.As(err, &said):
		return int(said)
	case errors.As(err, &usage):
		complain(err.Error(), "seccompc --help shows the commands, seccompc COMMAND --help one of them")
	default:
		complain(err.Error(), "")
	}
	return 2
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use:   "seccompc",
		Short: "Compile seccomp policies to programs that are proven to say the same",
		Long: `Seccompc compiles a seccomp policy for every ABI at once, proves each program equal to
the policy and writes one blob that seccomp-load installs at start-up.

Exit codes: 0 done; 1 the policy or program is wrong; 2 it could not be tried.`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q", args[0])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return c.Help() },
	}
	c.SetVersionTemplate("seccompc {{.Version}}\n")
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	c.AddCommand(compileCommand(), testCommand(), checkCommand(), listCommand(), disasmCommand(), explainCommand(), diffCommand(), verifyCommand(),
		exportCommand(), importCommand(), initCommand())
	completeWords(c)
	return c
}

// oneFile takes exactly one argument, called what in the error.
func oneFile(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("expected one %s, found %d arguments", what, len(args))}
		}
		return nil
	}
}

// version is the module's version as the build recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
