package resolve

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
)

// Options are the facts of a compilation that a policy's rules may depend on.
type Options struct {
	Caps   []string     // capabilities granted, "CAP_SYS_BOOT"
	Kernel arch.Version // oldest kernel to run on; zero: whichever the rules assume
}

// Resolve resolves p for one target, the ABIs that one program serves, native first. The target is nil if there is
// an error.
func Resolve(p *policy.Policy, abis []*arch.ABI, o Options) (*Target, policy.Diagnostics) {
	r := &resolver{policy: p, abis: abis, options: o, limit: limitRule}
	r.review()
	r.spelling()
	var rules []policy.Rule
	for _, rule := range p.Rules {
		if r.included(rule) {
			rules = append(rules, rule)
		}
	}
	t := &Target{Kernel: r.kernel}
	for _, r.abi = range abis {
		f := r.filter(rules)
		t.Filters = append(t.Filters, f)
		t.Tests = append(t.Tests, r.tests(f)...)
	}
	r.abi = abis[0]
	t.Foreign = r.answer(p.Foreign, KillProcess)
	if r.diags.Err() != nil {
		return nil, r.diags
	}
	return t, r.diags
}

type resolver struct {
	policy   *policy.Policy
	abis     []*arch.ABI
	options  Options
	reviewed arch.Version
	kernel   arch.Version
	diags    policy.Diagnostics

	abi   *arch.ABI // the one at work
	limit string    // what to do about a name that only other ABIs have
}

const limitRule = "limit the rule with abis:"

func (r *resolver) review() {
	if w := r.policy.Reviewed; w.Text != "" {
		var err error
		if r.reviewed, err = arch.ParseVersion(w.Text); err != nil {
			r.diags.Errorf("version-form", w.Pos, `write the kernel that the rules were checked against: "6.12"`, "%v", err)
		}
	}
}

// spelling reports unknown names wherever they stand: also in rules that are left out here, and in groups that no rule
// uses.
func (r *resolver) spelling() {
	check := func(w policy.Word, rule *policy.Rule) {
		switch c := w.Text[0]; {
		case c == '@' && !r.policy.Imported:
		case c >= '0' && c <= '9' && !r.policy.Imported:
			r.numeral(w)
		default:
			if _, has := r.abis[0].Number(w.Text); has { // the shorter search
				return
			}
			if _, known := slices.BinarySearch(arch.Names(), w.Text); !known {
				r.unknownName(w, rule)
			}
		}
	}
	for i := range r.policy.Rules {
		rule := &r.policy.Rules[i]
		r.on(rule.ABIs)
		for _, c := range rule.Calls {
			check(c.Name, rule)
		}
	}
	for _, t := range r.policy.Tests {
		check(t.Call, &policy.Rule{})
	}
	for _, w := range r.policy.Capabilities {
		r.granted(w)
	}
	for _, name := range slices.Sorted(maps.Keys(r.policy.Groups)) {
		for _, w := range r.policy.Groups[name].Calls {
			check(w, &policy.Rule{})
			if w.Text[0] == '@' {
				r.group(w)
			}
		}
	}
}

// answer resolves an action of the policy's head.
func (r *resolver) answer(a policy.Action, absent Action) Action {
	if a.Kind == 0 {
		return absent
	}
	return r.action(a)
}

func (r *resolver) filter(rules []policy.Rule) *Filter {
	f := &Filter{ABI: r.abi, Default: r.answer(r.policy.Default, KillProcess)}
	enosys, _ := r.abi.Errno("ENOSYS")
	absent := Errno | Action(enosys)
	if f.Default == Log {
		absent = Log // a policy that only watches watches new calls too
	}
	f.Unknown = r.answer(r.policy.Unknown, absent)

	table := r.abi.Syscalls()
	f.Known = make([]uint32, 0, len(table))
	for _, s := range table {
		if r.reviewed == (arch.Version{}) || arch.Since(s.Name).Compare(r.reviewed) <= 0 {
			f.Known = append(f.Known, s.Number)
		}
	}
	calls := 0
	for _, rule := range rules {
		calls += len(rule.Calls)
	}
	f.Rules = make([]Rule, 0, calls)
	for _, rule := range rules {
		r.rule(rule, f)
		if r.policy.Imported {
			f.Rules = append(f.Rules, r.multiplexed(rule, rules)...)
		}
	}
	tabled := f.Known
	for _, rule := range f.Rules {
		for _, n := range rule.Numbers {
			if _, is := slices.BinarySearch(tabled, n); !is {
				f.Known = append(f.Known, n)
			}
		}
	}
	slices.Sort(f.Known)
	f.Known = slices.Compact(f.Known)
	return f
}

// rule adds to f what a rule of the policy is on its ABI.
func (r *resolver) rule(rule policy.Rule, f *Filter) {
	if !r.on(rule.ABIs) {
		return
	}
	action := f.Default
	if rule.Action.Kind != policy.Default {
		action = r.action(rule.Action)
	}
	first := len(f.Rules)
	numbers := make([]uint32, 0, len(rule.Calls)) // of all its rules, each of which has its part
	var words []policy.Word
	for _, c := range rule.Calls {
		words = r.expand(words[:0], c.Name, map[string]bool{})
		for _, w := range words {
			n, ok := r.number(w, rule)
			if !ok {
				continue // a name that this ABI lacks
			}
			cond := Cond(All(nil))
			if c.If != nil {
				name, _ := r.abi.SyscallName(n)
				cond = r.cond(c.If, name)
			}
			// The calls of a group share a rule where the condition means the same for them.
			if last := len(f.Rules) - 1; last >= first && f.Rules[last].Pos == c.Name.Pos && reflect.DeepEqual(f.Rules[last].Cond, cond) {
				f.Rules[last].Numbers = append(f.Rules[last].Numbers, n)
				continue
			}
			at := len(numbers)
			numbers = append(numbers, n)
			f.Rules = append(f.Rules, Rule{Pos: c.Name.Pos, Numbers: numbers[at : at+1 : at+1], Cond: cond, Action: action})
		}
	}
	for i := first; i < len(f.Rules); i++ {
		made := &f.Rules[i]
		slices.Sort(made.Numbers)
		made.Numbers = slices.Compact(made.Numbers)
	}
}

// on reports whether a rule with this list of ABIs is for the one at work.
func (r *resolver) on(words []policy.Word) bool {
	on := len(words) == 0
	for _, w := range words {
		if lookup(w, &r.diags) == r.abi {
			on = true
		}
	}
	return on
}

// expand appends the calls that a word stands for: the members of a group, or itself. The groups met are in open, true
// while their members are expanded. Each counts once: groups of groups could double with each level.
func (r *resolver) expand(calls []policy.Word, w policy.Word, open map[string]bool) []policy.Word {
	if w.Text[0] != '@' || r.policy.Imported {
		return append(calls, w)
	}
	members, ok := r.group(w)
	if !ok {
		return calls
	}
	inside, seen := open[w.Text]
	if inside {
		r.diags.Errorf("group-cycle", w.Pos, "take it out of its own members", "group %q contains itself", w.Text)
		return calls
	}
	if seen {
		return calls
	}
	open[w.Text] = true
	for _, member := range members {
		calls = r.expand(calls, member, open)
	}
	open[w.Text] = false
	return calls
}

// group returns the members of the policy's group or the built-in one that a word names.
func (r *resolver) group(w policy.Word) (members []policy.Word, ok bool) {
	if g, ok := r.policy.Groups[w.Text]; ok {
		return g.Calls, true
	}
	if g := policy.Builtin(w.Text); g != nil {
		for _, name := range g.Calls {
			if r.reviewed != (arch.Version{}) && arch.Since(name).Compare(r.reviewed) > 0 {
				continue // the group has grown since: the author does not name this call
			}
			members = append(members, policy.Word{Text: name, Pos: w.Pos})
		}
		return members, true
	}
	names := slices.Collect(maps.Keys(r.policy.Groups))
	for _, g := range policy.Builtins() {
		names = append(names, g.Name)
	}
	slices.Sort(names)
	r.diags.Errorf("unknown-group", w.Pos, cmp.Or(policy.Suggest(w.Text, names), "seccompc list groups shows the built-in ones"), "unknown group %q", w.Text)
	return nil, false
}

// number resolves a name or number on the ABI at work; ok is false for a name that only other ABIs have.
func (r *resolver) number(w policy.Word, rule policy.Rule) (n uint32, ok bool) {
	if w.Text[0] >= '0' && w.Text[0] <= '9' && !r.policy.Imported { // a profile has names only
		return r.plain(w, rule)
	}
	return r.abi.Number(w.Text)
}

func (r *resolver) unknownName(w policy.Word, rule *policy.Rule) {
	hint := ""
	if len(r.diags) < 100 { // the search takes its time
		hint = policy.Suggest(w.Text, arch.Names())
	}
	if r.policy.Imported && (!rule.Action.Denies() || r.policy.Default.Denies()) {
		r.diags.Warnf("unknown-syscall", w.Pos, hint, "unknown syscall %q: no ABI has it, so it is treated as every unknown number", w.Text)
		return
	}
	if hint == "" {
		hint = "seccompc list syscalls shows the names"
	}
	r.diags.Errorf("unknown-syscall", w.Pos, hint, "unknown syscall %q", w.Text)
}

// base is the ABI's least number, above 1 on MIPS alone but for x32's bit.
func (r *resolver) base() uint32 { return r.abi.Syscalls()[0].Number &^ X32Bit }

// plain resolves a number, which means something only where a single ABI is meant.
func (r *resolver) plain(w policy.Word, rule policy.Rule) (uint32, bool) {
	n, ok := r.numeral(w)
	single := len(rule.ABIs) == 1 || len(r.abis) == 1 && len(r.policy.Targets) == 1
	switch {
	case !ok:
	case !single:
		r.diags.Errorf("number-several-abis", w.Pos, "numbers differ by ABI: "+r.limit+", or write the name", "number %q for several ABIs", w.Text)
	case r.base() > 1 && n < r.base():
		r.diags.Errorf("number-range", w.Pos, "", "number %q is not one of %s: they start at %d", w.Text, r.abi.Name, r.base())
	case r.abi.Audit == X86_64 && n&X32Bit != r.abi.Bit:
		r.diags.Errorf("number-range", w.Pos, "x32's numbers have bit 0x40000000 set, x86_64's have not", "number %q is not one of %s", w.Text, r.abi.Name)
	default:
		return n, true
	}
	return 0, false
}

// numeral reads a number that some ABI could have.
func (r *resolver) numeral(w policy.Word) (uint32, bool) {
	n, err := strconv.ParseUint(w.Text, 0, 64)
	switch {
	case err != nil || n > NoCall:
		r.diags.Errorf("number-range", w.Pos, "the kernel has 32 bits for it", "syscall number %q is too large", w.Text)
	case n == NoCall:
		r.diags.Errorf("number-range", w.Pos, "a tracer cancels a call with it; it always counts as unknown", "%q is no syscall's number", w.Text)
	default:
		return uint32(n), true
	}
	return 0, false
}
