package resolve

import (
	"slices"

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
func (r *resolver) included(w policy.When) bool {
	ok := true
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
		ok = r.atLeast(w.Kernel, ok) && ok
	}
	if w.NotKernel.Text != "" {
		ok = !r.atLeast(w.NotKernel, ok) && ok
	}
	return ok
}

// atLeast reports whether the kernel to run on is of a version. Unless a --kernel says otherwise it is, and the
// compilation then assumes that version if the answer matters.
func (r *resolver) atLeast(w policy.Word, matters bool) bool {
	v, err := arch.ParseVersion(w.Text)
	if err != nil {
		r.diags.Errorf(w.Pos, "", "%v", err)
	}
	if r.options.Kernel != (arch.Version{}) && r.options.Kernel.Compare(v) < 0 {
		return false
	}
	if matters && v.Compare(r.kernel) > 0 {
		r.kernel = v
	}
	return true
}

func (r *resolver) granted(w policy.Word) bool {
	if !slices.Contains(Capabilities, w.Text) {
		r.diags.Errorf(w.Pos, policy.Suggest(w.Text, Capabilities), "unknown capability %q", w.Text)
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
