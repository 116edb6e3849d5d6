package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/inspect"
	"github.com/seccompc/seccompc/compiler/policy"
	"github.com/seccompc/seccompc/compiler/resolve"
)

func explainCommand() *cobra.Command {
	var target, policy string
	var asJSON, long bool
	c := &cobra.Command{
		Use:   "explain [--target ABI] [--policy POLICY] FILE [CALL]",
		Short: "Explain what a filter does, with a call or with all, or why it refused one",
		Long: `Explain runs a program on a call and shows the decision, the rule that makes it, whether the
kernel needs to run the program at all, and each step. FILE is a blob, a policy, which is compiled
in memory, or a raw program, which needs --target.

Without a CALL it shows what the programs decide about all calls there are, as a table for each
ABI: what is allowed, what under which condition, and how the others are denied. The conditions are
read back from the bytes. --long prints a line for each call, and --target chooses an ABI or target.

CALL is written as in policies' tests, or it is a line of strace's output or an audit record
(type=SECCOMP): then the question is which rule refused it. Arguments that are left out are zero,
and it is said what else they could lead to. What is refused comes with a rule that would allow
this call, narrowly.

The rule is known if the policy is there: beside the blob, or by --policy. Otherwise the blob
tells which lines it may be.

--target is the call's ABI; without it, it is that of the record, of this machine if the file has
it, else the file's first.

Exit codes: 0 the call is let through (allow, log), or there is none; 1 it is not; 2 that could not
be told.`,
		Example: `  seccompc explain --long policies/web.seccomp | grep -w clone
  seccompc explain policies/toaster.seccomp getpid
  seccompc explain policies/web.seccomp 'openat(AT_FDCWD, 0, O_RDWR)' --target aarch64
  seccompc explain policies/toaster.yaml 'type=SECCOMP msg=audit(1700000000.1:2): arch=c000003e syscall=321 code=0x50000' || true
  seccompc explain policies/web.yaml --target x86_64 'socket(AF_NETLINK, SOCK_RAW, 0) = -1 EPERM (Operation not permitted)' || true`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && policy != "":
				return usageError{errors.New("--policy: a table has no use for it, for it is what the bytes say")}
			case len(args) == 2 && long:
				return usageError{errors.New("--long: it is for a table, without a CALL")}
			case long && asJSON:
				return usageError{errors.New("--long and --json: choose one")}
			case len(args) == 1 || len(args) == 2:
				return nil
			}
			return usageError{fmt.Errorf("expected a file and at most one call, found %d arguments", len(args))}
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return tabulate(args[0], target, long, asJSON)
			}
			return explain(args[0], args[1], target, policy, asJSON)
		},
	}
	f := c.Flags()
	f.StringVar(&target, "target", "", "the call is `ABI`'s; of a table, only what it gets; for a raw program, its target")
	f.BoolVar(&long, "long", false, "print a line for each call of a table")
	f.StringVar(&policy, "policy", "", "the blob's `POLICY`, where it isn't beside it")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// A question is a call and what may have been left open of it.
type question struct {
	*subject
	target  int // of its programs
	abi     *arch.ABI
	how     string // the ABI came about
	served  bool   // by the program
	call    resolve.Call
	given   [6]uint64
	want    func(resolve.Action) bool // what was the answer, as far as is known
	refusal bool                      // CALL is about one
}

func explain(file, text, target, policyFile string, asJSON bool) error {
	s, err := open(file, target, 2)
	if err != nil {
		return err
	}
	q := &question{subject: s, want: func(resolve.Action) bool { return true }}
	if err := q.read(strings.TrimSpace(text), target); err != nil {
		return err
	}
	e, call, err := inspect.Explain(s.programs[q.target].Program, q.abi, q.call, q.given, q.want)
	if err != nil {
		complain(fmt.Sprintf("%s: %v", file, err), "the kernel would not take this program")
		return reported(2)
	}
	q.call = call
	if s.blob != nil && s.result == nil {
		if policyFile == "" {
			policyFile = s.beside()
		}
		if policyFile != "" {
			digest, _, err := s.with(policyFile)
			if err != nil {
				return err
			}
			if !digest {
				warn(fmt.Sprintf("%s is not what %s was compiled from: its rules are not shown", policyFile, file))
			}
		}
	}
	x := q.explained(e)
	if asJSON {
		err = printJSON(x)
	} else {
		err = x.print()
	}
	if err == nil && !x.LetThrough {
		err = reported(1)
	}
	return err
}

// read finds out which call of which ABI is meant.
func (q *question) read(text, target string) error {
	r, err := readRecord(text)
	switch {
	case err != nil:
		complain(err.Error(), "an audit record has arch=c000003e syscall=41")
		return reported(2)
	case r != nil:
		return q.record(r, target)
	}
	if err := q.choose(target); err != nil {
		return err
	}
	t := readTrace(text, q.abi)
	if t == nil {
		return q.parse(text)
	}
	q.refusal = t.errno != ""
	if n, ok := q.abi.Errno(t.errno); ok {
		q.want = func(a resolve.Action) bool { return a == resolve.Errno|resolve.Action(n) }
	}
	for i, a := range t.args { // what the language can't say of a parameter is left open
		if _, ok, _ := q.resolve((&traced{name: t.name, args: slices.Concat(slices.Repeat([]string{"_"}, i), []string{a})}).test()); !ok {
			t.args[i] = "_"
		}
	}
	return q.parse(t.test())
}

func (q *question) resolve(text string) (resolve.Test, bool, policy.Diagnostics) {
	of, findings := policy.ParseCall("CALL", text)
	if of.Call.Text == "" {
		return resolve.Test{Of: &of}, false, findings
	}
	t, ok, more := resolve.ResolveCall(&of, q.abi)
	return t, ok, append(findings, more...)
}

func (q *question) parse(text string) error {
	t, ok, findings := q.resolve(text)
	report(findings, map[string][]byte{"CALL": []byte(text)})
	switch {
	case findings.Err() != nil:
		return reported(2)
	case !ok:
		complain(fmt.Sprintf("%s has no call %q", q.abi.Name, t.Of.Call.Text), "choose another ABI with --target")
		return reported(2)
	}
	q.call, q.given = t.Call, t.Given
	return nil
}

// record takes the call from an audit record.
func (q *question) record(r *record, target string) error {
	q.refusal = true
	if r.has {
		q.want = func(a resolve.Action) bool { return uint32(a.Kind()) == r.code&^0xffff }
	}
	var fits []*arch.ABI // of two byte orders, the file's first
	for _, served := range []bool{true, false} {
		for _, a := range arch.All() {
			is := a == r.abi || r.abi == nil && a.Audit == r.audit && (a.Audit != resolve.X86_64 || r.nr&resolve.X32Bit == a.Bit || r.nr == resolve.NoCall)
			if is && served == slices.ContainsFunc(q.programs, func(p program) bool { return slices.Contains(p.ABIs, a) }) {
				fits = append(fits, a)
			}
		}
	}
	if len(fits) == 0 {
		complain(fmt.Sprintf("audit record: no ABI has arch %x", r.audit), "seccompc list arches shows them")
		return reported(2)
	}
	abi := fits[0]
	if target != "" && q.blob != nil { // of a raw program it is the ABIs it serves
		if abi = arch.Lookup(target); !slices.Contains(fits, abi) {
			complain(fmt.Sprintf("audit record: it is of %s, not of %s", fits[0].Name, target), "leave --target out")
			return reported(2)
		}
	}
	if err := q.choose(abi.Name); err != nil {
		return err
	}
	q.how = "by the record"
	if r.name != "" {
		nr, ok := q.abi.Number(r.name)
		if !ok {
			complain(fmt.Sprintf("audit record: %s has no call %q", q.abi.Name, r.name), "")
			return reported(2)
		}
		r.nr = nr
	}
	q.call, q.given = resolve.Call{Arch: q.abi.Audit, NR: r.nr, Args: r.args}, r.given
	return nil
}

// choose finds the program that a target's calls meet, and the ABI they are of.
func (q *question) choose(target string) error {
	serves := func(abi *arch.ABI) bool {
		q.target = slices.IndexFunc(q.programs, func(p program) bool { return slices.Contains(p.ABIs, abi) })
		return q.target >= 0
	}
	switch host := arch.Host(); {
	case target != "":
		q.abi, q.how = arch.Lookup(target), "by --target"
		if q.abi == nil { // a target of several ABIs
			abis, err := oneTarget(target)
			if err != nil {
				return err
			}
			q.abi = abis[0]
		}
	case host != nil && serves(host):
		q.abi, q.how = host, "this machine's"
	case len(q.programs[0].ABIs) > 0:
		q.abi, q.how = q.programs[0].ABIs[0], "the file's first"
	default:
		complain(q.file+": none of its ABIs is known", "choose one with --target")
		return reported(2)
	}
	if q.served = serves(q.abi); q.served {
		return nil
	}
	// On the machine of another target it is a foreign ABI.
	q.target = slices.IndexFunc(q.programs, func(p program) bool { return len(p.ABIs) > 0 && p.ABIs[0].Family == q.abi.Family })
	if q.target < 0 {
		complain(fmt.Sprintf("%s: no program for %s", q.file, q.abi.Name), "it has "+strings.Join(q.labels(), ", "))
		return reported(2)
	}
	return nil
}
