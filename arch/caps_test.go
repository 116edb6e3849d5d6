package arch

import "testing"

// zcaps.go must say what caps.csv says, read here without the generator.
func TestPrivileged(t *testing.T) {
	want := map[string]Privilege{}
	for _, c := range sheet(t, "caps.csv") {
		if c[1] == "" {
			want[c[0]] = Privilege{c[2], c[3], c[4] == "yes"}
		}
	}
	if len(want) < 25 {
		t.Errorf("%d calls", len(want))
	}
	for _, name := range append(Names(), "", "no_such_call") {
		if p, ok := Privileged(name); p != want[name] || ok != (want[name] != Privilege{}) {
			t.Errorf("%s: %+v, %t, want %+v", name, p, ok, want[name])
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("no ABI has %s", name)
	}
	for _, tt := range []struct {
		call string
		want Privilege
	}{
		{"settimeofday", Privilege{"CAP_SYS_TIME", "EPERM", false}},
		{"reboot", Privilege{"CAP_SYS_BOOT", "EPERM", true}},
		{"umount2", Privilege{"CAP_SYS_ADMIN", "EPERM", true}},
		{"vhangup", Privilege{"CAP_SYS_TTY_CONFIG", "EPERM", false}},
	} {
		if p, ok := Privileged(tt.call); !ok || p != tt.want {
			t.Errorf("%s: %+v, %t", tt.call, p, ok)
		}
	}
	for _, call := range []string{"clone", "setns", "mknod", "open_by_handle_at", "bpf", "umount3"} { // they need one for some uses, or none
		if p, ok := Privileged(call); ok {
			t.Errorf("%s: %+v", call, p)
		}
	}
}
