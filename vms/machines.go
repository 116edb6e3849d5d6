//go:build linux

package main

import "slices"

// A machine is an emulated one with a kernel of Debian's.
type machine struct {
	name          string   // Debian's architecture
	suite, kernel string   // Debian's suite and the metapackage of the kernel; without them kernel.sh builds it
	goarch        string   // of its own programs
	compat        []string // of the other programs that it may run
	qemu          []string // the emulator and its options
	console       string
}

// machines boot in seconds; emulation makes their programs some 20 times slower.
var machines = []machine{
	{name: "amd64", suite: "bookworm", kernel: "linux-image-cloud-amd64", goarch: "amd64", compat: []string{"386"},
		qemu: []string{"qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "2"}, console: "ttyS0"},
	{name: "i386", suite: "bookworm", kernel: "linux-image-686-pae", goarch: "386",
		qemu: []string{"qemu-system-i386", "-accel", "tcg", "-cpu", "max", "-smp", "2"}, console: "ttyS0"},
	{name: "arm64", suite: "bookworm", kernel: "linux-image-cloud-arm64", goarch: "arm64", compat: []string{"arm"},
		qemu: []string{"qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a57", "-smp", "2"}, console: "ttyAMA0"},
	{name: "armhf", suite: "bookworm", kernel: "linux-image-armmp-lpae", goarch: "arm",
		qemu: []string{"qemu-system-arm", "-M", "virt", "-cpu", "cortex-a15", "-smp", "2"}, console: "ttyAMA0"},
	{name: "s390x", suite: "bookworm", kernel: "linux-image-s390x", goarch: "s390x",
		qemu: []string{"qemu-system-s390x", "-M", "s390-ccw-virtio", "-smp", "2"}, console: "ttysclp0"},
	{name: "ppc64el", suite: "bookworm", kernel: "linux-image-powerpc64le", goarch: "ppc64le",
		qemu: []string{"qemu-system-ppc64", "-M", "pseries", "-smp", "2"}, console: "hvc0"},
	{name: "mips64el", suite: "bookworm", kernel: "linux-image-5kc-malta", goarch: "mips64le", compat: []string{"mipsle"},
		qemu: []string{"qemu-system-mips64el", "-M", "malta", "-cpu", "5KEc"}, console: "ttyS0"},
	{name: "riscv64", suite: "trixie", kernel: "linux-image-riscv64", goarch: "riscv64",
		qemu: []string{"qemu-system-riscv64", "-M", "virt", "-smp", "2"}, console: "ttyS0"},
	{name: "mips64", goarch: "mips64", compat: []string{"mips"},
		qemu: []string{"qemu-system-mips64", "-M", "malta", "-cpu", "MIPS64R2-generic"}, console: "ttyS0"},
}

// goarches returns all that the machines have programs of.
func goarches(list []machine) (all []string) {
	for _, m := range list {
		all = append(append(all, m.goarch), m.compat...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
