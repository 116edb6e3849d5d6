//go:build linux

// Vms shows that the blobs that are checked in do on kernels of other architectures, byte orders and word sizes what their
// policies say. It boots Debian's kernels in qemu's emulation with vms/guest for init, runs the same program on this
// machine, and holds what all of them said to docs/architectures.md.
//
//	vms [-write] [MACHINE...]
//
// Exit codes: 0 all is well; 1 a check failed, or the page says otherwise; 2 it could not be tried; 3 all is well but for
// machines that could not be had.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

const page = "docs/architectures.md"

func main() {
	write := flag.Bool("write", false, "write "+page+" anew")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), "usage: vms [-write] [MACHINE...]\n\nMachines: host")
		for _, m := range machines {
			fmt.Fprint(flag.CommandLine.Output(), " ", m.name)
		}
		fmt.Fprintln(flag.CommandLine.Output(), "; if none is given, all whose kernels Debian has.")
		flag.PrintDefaults()
	}
	flag.Parse()
	code, err := run(flag.Args(), *write)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vms: error:", err)
		code = max(code, 2)
	}
	os.Exit(code)
}

func run(names []string, write bool) (code int, err error) {
	list, host, err := choose(names)
	if err != nil {
		return 2, err
	}
	work, err := os.MkdirTemp("", "vms")
	if err != nil {
		return 2, err
	}
	defer os.RemoveAll(work)
	fmt.Fprintln(os.Stderr, "vms: building")
	if err := build(work, list, host); err != nil {
		return 2, err
	}
	var logs []*record
	if host {
		logs = append(logs, &record{name: "host", run: func(w io.Writer) error { return local(work, w) }})
	}
	for _, m := range list {
		logs = append(logs, &record{name: m.name, machine: m, run: func(w io.Writer) error { return boot(work, m, w) }})
	}
	var wait sync.WaitGroup
	var say sync.Mutex
	free := make(chan bool, max(1, runtime.NumCPU()))
	for _, l := range logs {
		wait.Go(func() {
			free <- true
			start := time.Now()
			l.err = l.run(&l.log)
			<-free
			l.parse()
			say.Lock()
			defer say.Unlock()
			l.report(os.Stdout, time.Since(start))
		})
	}
	wait.Wait()
	for _, l := range logs {
		var none *unavailable
		switch {
		case errors.As(l.err, &none):
			code = max(code, 3)
		case l.failed():
			return 1, nil
		}
	}
	if code != 0 {
		return code, nil
	}
	old, err := os.ReadFile(page)
	if err != nil && !(write && errors.Is(err, os.ErrNotExist)) {
		return 2, err
	}
	text := render(logs, old)
	if write {
		return 0, os.WriteFile(page, text, 0o644)
	}
	return hold(old, text), nil
}

// choose returns the machines of some names.
func choose(names []string) (list []machine, host bool, err error) {
	if len(names) == 0 {
		for _, m := range machines {
			if m.suite != "" {
				list = append(list, m)
			}
		}
		return list, true, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(machines, func(m machine) bool { return m.name == name })
		switch {
		case name == "host":
			host = true
		case i < 0:
			return nil, false, fmt.Errorf("no machine %q; vms -h lists them", name)
		default:
			list = append(list, machines[i])
		}
	}
	return list, host, nil
}

// build makes the programs for the machines and for this one, by GOARCH, in the folder work.
func build(work string, list []machine, host bool) error {
	all := goarches(list)
	if host {
		all = append(all, runtime.GOARCH)
		if runtime.GOARCH == "amd64" {
			all = append(all, "386")
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	loaders := exec.Command("make", "-s", "dist", "DIST="+work, "ARCHES="+strings.Join(all, " "))
	if out, err := loaders.CombinedOutput(); err != nil {
		return fmt.Errorf("make dist: %w\n%s", err, out)
	}
	for _, goarch := range all {
		guest := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(work, "guest-"+goarch), "./vms/guest")
		guest.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0")
		if out, err := guest.CombinedOutput(); err != nil {
			return fmt.Errorf("go build for %s: %w\n%s", goarch, err, out)
		}
	}
	return nil
}

// furnish makes the folder that guest finds itself in.
func furnish(work, name, goarch string, compat []string) (folder string, err error) {
	folder = filepath.Join(work, name)
	if err := os.Mkdir(folder, 0o755); err != nil {
		return "", err
	}
	files := map[string]string{"guest": "guest-" + goarch, "seccomp-load": "seccomp-load-" + goarch}
	for _, c := range compat {
		files["guest-"+c] = "guest-" + c
	}
	for to, from := range files {
		if err := os.Link(filepath.Join(work, from), filepath.Join(folder, to)); err != nil {
			return "", err
		}
	}
	policies, err := filepath.Glob("vms/testdata/*.seccomp")
	if err != nil {
		return "", err
	}
	for _, blob := range append(policies, "policies/toaster.seccomp") {
		for _, file := range []string{blob, strings.TrimSuffix(blob, ".seccomp") + ".yaml"} {
			data, err := os.ReadFile(file)
			if err == nil {
				err = os.WriteFile(filepath.Join(folder, filepath.Base(file)), data, 0o644)
			}
			if err != nil {
				return "", err
			}
		}
	}
	return folder, nil
}

// local runs guest here.
func local(work string, log io.Writer) error {
	var compat []string
	if runtime.GOARCH == "amd64" {
		compat = []string{"386"}
	}
	folder, err := furnish(work, "host", runtime.GOARCH, compat)
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(folder, "guest"), "all")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Run() // its lines say what failed
	return nil
}

// An unavailable machine is one that could not be had: nothing is said about the policies.
type unavailable struct{ error }

// boot runs a machine until it turns itself off.
func boot(work string, m machine, log io.Writer) error {
	kernel, err := m.fetch(log)
	if err != nil {
		return &unavailable{err}
	}
	if _, err := exec.LookPath(m.qemu[0]); err != nil {
		return &unavailable{fmt.Errorf("%w: make qemu-system installs it", err)}
	}
	folder, err := furnish(work, m.name, m.goarch, m.compat)
	if err != nil {
		return err
	}
	archive, err := initrd(folder)
	if err != nil {
		return err
	}
	disk := filepath.Join(work, m.name+".cpio")
	if err := os.WriteFile(disk, archive, 0o644); err != nil {
		return err
	}
	const patience = 20 * time.Minute
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	args := append(m.qemu[1:], "-m", "1024", "-nographic", "-no-reboot", "-nic", "none", "-kernel", kernel, "-initrd", disk,
		"-append", "rdinit=/guest quiet panic=-1 console="+m.console)
	cmd := exec.CommandContext(ctx, m.qemu[0], args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", m.qemu[0], err)
	}
	return nil
}

// fetch returns the file of the machine's kernel, downloaded once.
func (m machine) fetch(log io.Writer) (kernel string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "seccompc", "kernels", cmp.Or(m.suite, "built")+"-"+m.name)
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", err
	}
	var out bytes.Buffer
	cmd := exec.Command("sh", "vms/debian.sh", m.suite, m.name, m.kernel, folder)
	if m.suite == "" {
		cmd = exec.Command("sh", "vms/kernel.sh", m.name, folder)
	}
	cmd.Stdout, cmd.Stderr = log, io.MultiWriter(log, &out)
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		return "", fmt.Errorf("the kernel: %s", lines[len(lines)-1])
	}
	kernels, err := filepath.Glob(filepath.Join(folder, "boot", "vmlinu*"))
	if err == nil && len(kernels) != 1 {
		err = fmt.Errorf("%s has %d kernels; take it away to download it anew", folder, len(kernels))
	}
	if err != nil {
		return "", err
	}
	return kernels[0], nil
}
