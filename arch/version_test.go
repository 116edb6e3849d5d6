package arch

import (
	"regexp"
	"slices"
	"testing"
)

// undated are the calls without a version: older than the lists, or never in
// a released kernel. A call a new kernel adds doesn't belong here but in
// introduced.csv, or a policy's `reviewed` would take it for an old one.
var undated = []string{
	"afs_syscall", "arm_fadvise64_64", "arm_sync_file_range", "break", "cachectl",
	"epoll_ctl_old", "epoll_wait_old", "ftime", "getpmsg", "gtty", "idle", "lock",
	"mpx", "multiplexer", "prof", "profil", "putpmsg", "security", "stty", "timerfd",
	"tuxcall", "ulimit", "vserver",
}

func TestSince(t *testing.T) {
	newest := Version{}
	var without []string
	for _, name := range Names() {
		v := Since(name)
		if v == (Version{}) {
			without = append(without, name)
		} else if v.Compare(Version{1, 0, 0}) < 0 {
			t.Errorf("%s: since %s", name, v)
		}
		if v.Compare(newest) > 0 {
			newest = v
		}
	}
	if !slices.Equal(without, undated) {
		t.Errorf("without a version: %q\nwant %q", without, undated)
	}
	if newest != (Version{7, 0, 0}) {
		t.Errorf("the newest call is of %s", newest)
	}
	for name, want := range map[string]string{
		"read": "1.0", "clone3": "5.3", "openat2": "5.6", "memfd_secret": "5.14", "rseq_slice_yield": "7.0",
		"llseek": "1.2", "madvise1": "2.4", "fstatat": "2.6.16", "sync_file_range2": "2.6.22",
		"clock_gettime64": "5.1", "uretprobe": "6.11", "no_such_call": "0.0",
	} {
		if v := Since(name); v.String() != want {
			t.Errorf("Since(%s) = %s, want %s", name, v, want)
		}
	}
	// A call must not be newer than the calls after it: numbers from 424 on
	// are given out in order.
	var last Version
	for _, c := range abi(t, "x86_64").Syscalls() {
		if v := Since(c.Name); c.Number >= 424 {
			if slack := outOfOrder[c.Name]; v.Compare(last) < 0 && !slack {
				t.Errorf("%s %d is of %s, a lower number of %s", c.Name, c.Number, v, last)
			} else if !slack {
				last = v
			}
		}
	}
}

// outOfOrder are calls merged later than their numbers say.
var outOfOrder = map[string]bool{"close_range": true, "quotactl_fd": true}

func TestVersion(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Version
		out  string
	}{
		{"4.8", Version{4, 8, 0}, "4.8"}, {"2.6.28", Version{2, 6, 28}, "2.6.28"},
		{"6.12.0", Version{6, 12, 0}, "6.12"}, {"65535.0", Version{65535, 0, 0}, "65535.0"},
	} {
		v, err := ParseVersion(tt.in)
		if err != nil || v != tt.want || v.String() != tt.out {
			t.Errorf("%q: %v, %v", tt.in, v, err)
		}
	}
	for _, in := range []string{
		"", "6", "6.", ".6", "6.1.", "6.1.2.3", "6.01", "06.1", "+6.1", "-6.1", "6.1-rc1", " 6.1", "6.1\n", "0x6.1", "6_0.1", "65536.0", "6.x",
	} {
		if v, err := ParseVersion(in); err == nil {
			t.Errorf("%q: %v", in, v)
		}
	}
	order := []Version{{}, {1, 0, 0}, {2, 6, 0}, {2, 6, 28}, {4, 8, 0}, {4, 19, 0}, {5, 1, 0}, {10, 0, 0}}
	for i, v := range order {
		for j, w := range order {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := v.Compare(w); got != want {
				t.Errorf("%s.Compare(%s) = %d, want %d", v, w, got, want)
			}
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	for _, s := range []string{"4.8", "2.6.28", "6.12.0", "", "6.01", "65536.1", "6.1-rc1"} {
		f.Add(s)
	}
	form := regexp.MustCompile(`^(0|[1-9][0-9]{0,4})\.(0|[1-9][0-9]{0,4})(\.(0|[1-9][0-9]{0,4}))?$`)
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseVersion(s)
		if err != nil {
			return
		}
		if !form.MatchString(s) {
			t.Errorf("%q is accepted as %v", s, v)
		}
		again, err := ParseVersion(v.String())
		if err != nil || again.Compare(v) != 0 {
			t.Errorf("%q: %v, then %v, %v", s, v, again, err)
		}
		if out := v.String(); out != s && out+".0" != s {
			t.Errorf("%q comes back as %q", s, out)
		}
	})
}
