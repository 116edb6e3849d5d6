package resolve

import (
	"slices"
	"strings"

	"github.com/seccompc/seccompc/arch"
	"github.com/seccompc/seccompc/compiler/policy"
)

// Capabilities are the names of linux/capability.h in its order.
var Capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
	"CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
	"CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
	"CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

// included reports whether a rule is compiled in, and notes the kernel that it assumes.
func (r *resolver) included(rule policy.Rule) bool {
	w, ok := rule.When, true
	for _, c := range w.Caps {
		ok = r.granted(c) && ok
	}
	for _, c := range w.NotCaps {
		ok = !r.granted(c) && ok
	}
	if len(w.Natives) > 0 {
		ok = r.native(w.Natives) && ok
	}
	ok = !r.native(w.NotNatives) && ok
	if w.Kernel.Text != "" {
		ok = r.onKernel(w.Kernel, true, rule.Action, ok) && ok
	}
	if w.NotKernel.Text != "" {
		ok = r.onKernel(w.NotKernel, false, rule.Action, ok) && ok
	}
	return ok
}

// onKernel reports whether a rule for kernels from a version on, or for those before it, is in force. Unless a --kernel
// says otherwise, the kernel to run on has the version, which the compilation then assumes if the answer matters. An
// older --kernel leaves kernels of both kinds, which a program can't tell apart: rules that let calls through are out
// then, all others in.
func (r *resolver) onKernel(w policy.Word, from bool, action policy.Action, matters bool) bool {
	v, err := arch.ParseVersion(w.Text)
	if err != nil {
		r.diags.Errorf("version-form", w.Pos, "", "%v", err)
	}
	if r.options.Kernel != (arch.Version{}) && r.options.Kernel.Compare(v) < 0 {
		kind := action.Kind
		if kind == policy.Default {
			kind = r.policy.Default.Kind
		}
		return kind != policy.Allow && kind != policy.Log
	}
	if matters && v.Compare(r.kernel) > 0 {
		r.kernel = v
	}
	return from
}

func (r *resolver) granted(w policy.Word) bool {
	if !slices.Contains(Capabilities, w.Text) {
		name := strings.ToUpper(w.Text)
		if !strings.HasPrefix(name, "CAP_") {
			name = "CAP_" + name
		}
		hint := policy.Suggest(name, Capabilities)
		switch {
		case slices.Contains(Capabilities, name):
			hint = "write " + name
		case hint == "":
			hint = "capabilities(7) lists them: CAP_CHOWN"
		}
		r.diags.Errorf("unknown-capability", w.Pos, hint, "unknown capability %q", w.Text)
	}
	return slices.Contains(r.options.Caps, w.Text)
}

func (r *resolver) native(words []policy.Word) bool {
	found := false
	for _, w := range words {
		found = lookup(w, &r.diags) == r.abis[0] || found
	}
	return found
}
