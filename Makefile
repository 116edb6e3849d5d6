GO ?= go
export CGO_ENABLED = 0

# The main job: both programs, a compiled policy, and a command that runs under it.
.PHONY: demo
demo: build
	@sh docs/demo.sh

# The loader starts before the Go runtime, by an entry of its own: cmd/seccomp-load/entry_*.s.
LOADER = $(GO) build -trimpath -buildvcs=false -buildmode=exe -ldflags "-s -w -buildid= -E=_seccomp_load_start"

.PHONY: build
build:
	$(GO) build -o bin/ ./cmd/seccompc
	$(LOADER) -o bin/ ./cmd/seccomp-load

# Stripped loaders for every GOARCH, the same bytes from any folder. What GOARCH leaves open is pinned to what the oldest machines have.
DIST = dist
ARCHES = 386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x
.PHONY: dist
dist: export GOOS = linux
dist: export GOFLAGS =
dist: export GOAMD64 = v1
dist: export GOARM = 6
dist: export GOARM64 = v8.0
dist: export GO386 = sse2
dist: export GOMIPS = hardfloat
dist: export GOMIPS64 = hardfloat
dist: export GOPPC64 = power8
dist: export GORISCV64 = rva20u64
dist:
	mkdir -p $(DIST) && rm -f $(DIST)/seccomp-load-*
	@set -e; $(foreach a,$(ARCHES),echo $(a); GOARCH=$(a) $(LOADER) -o $(DIST)/seccomp-load-$(a) ./cmd/seccomp-load;)
	cd $(DIST) && sha256sum seccomp-load-* >SHA256SUMS

# Everything that tells whether it works, in minutes.
.PHONY: test
test:
	$(GO) test ./...
	cd bench && $(GO) test ./...

# Ours beside its peers, on the running kernel: docs/performance.md and its plots. libseccomp is the one peer to install.
.PHONY: bench
bench: libseccomp
	cd bench && $(GO) run ./perf

# The loader beside one in C without a libc: docs/loader.md has the figures. It needs a C compiler.
.PHONY: bench-load
bench-load:
	cd bench && $(GO) run ./load

# The loader's tests in full: 20,000 loads under next to nothing on an idle machine, and as many beside four busy processes; 100,000
# while the blob is rewritten.
.PHONY: campaign-loader
campaign-loader:
	$(GO) test ./cmd/seccomp-load -run 'Few|AtOnce|Race' -v -timeout 0 -args -runs 20000 -races 100000
	$(GO) test ./cmd/seccomp-load -run 'Few' -v -timeout 0 -args -runs 20000 -hogs 4

# Two folders give the same loaders.
.PHONY: test-dist
test-dist:
	rm -rf $(DIST)/again && mkdir -p $(DIST)/again && git archive HEAD | tar -x -C $(DIST)/again
	$(MAKE) dist && $(MAKE) -C $(DIST)/again dist DIST=dist
	cmp $(DIST)/SHA256SUMS $(DIST)/again/dist/SHA256SUMS && rm -rf $(DIST)/again

# The loader's entries of other machines in qemu's emulation of a process, and seccompc's bytes there; builds for every machine. And the
# compiler's rooms on a machine of the other byte order.
.PHONY: test-qemu
test-qemu:
	command -v qemu-aarch64-static >/dev/null || { apt-get update -q && apt-get install -qy qemu-user-static; }
	$(GO) test ./cmd/seccomp-load -run Foreign -v
	$(GO) test ./cmd/seccompc -run 'Bytes|Anywhere|CrossCompile' -v -timeout 0 -args -cross
	GOARCH=s390x $(GO) test -exec qemu-s390x-static -short ./compiler/codegen ./compiler/prove ./compiler/resolve ./compiler/inspect

# The same blobs on other kernels, of other architectures, in emulated machines, beside what docs/architectures.md says of it.
.PHONY: test-vms
test-vms: vms
	bin/vms

# The same for a machine whose kernel has to be built first, once, which takes some ten minutes.
.PHONY: test-vms-built
test-vms-built: vms
	bin/vms mips64

.PHONY: vms
vms:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! { command -v qemu-system-x86_64 && command -v qemu-system-aarch64 && \
		command -v qemu-system-s390x && command -v qemu-system-ppc64 && command -v qemu-system-mips64el; } >/dev/null; then \
		{ apt-get update -q && apt-get install -qy --no-install-recommends qemu-system-x86 qemu-system-arm qemu-system-misc qemu-system-ppc \
			qemu-system-mips; } >/dev/null || echo "no emulators: going on without them"; \
	fi
	$(GO) build -o bin/ ./vms

# The live tests of policies/ on a kernel that has i386 and x32, in a virtual machine.
.PHONY: test-i386
test-i386:
	sh policies/i386.sh

# N random policies against Decide, two VMs and, an eighth of them up to 15,000, the running kernel.
SEED ?= 1
N ?= 100000
.PHONY: campaign
campaign:
	GOGC=400 $(GO) test ./compiler -run 'Differential|Kernel' -v -timeout 0 -args -seed $(SEED) -n $(N)

# Every mutant of the programs of policies/ and of N/6 random policies.
.PHONY: campaign-mutants
campaign-mutants:
	GOGC=400 $(GO) test ./compiler -run Mutants -v -timeout 0 -args -seed $(SEED) -n $(N) -mutants 0

# The conditions of the shipped blobs and of 1,000 random policies, read back from the bytes, compiled again and proven equal.
.PHONY: campaign-readback
campaign-readback:
	$(GO) test ./compiler -run ReadBack -v -timeout 0 -args -seed $(SEED) -readbacks 1000

# The constants of arch/ beside the kernel's own headers, newest and for every machine, from Debian's mirror.
.PHONY: test-headers
test-headers:
	SECCOMPC_HEADERS=$$(sh arch/headers.sh $${TMPDIR:-/tmp}/seccompc-headers) && export SECCOMPC_HEADERS && $(GO) test -v -run Headers ./arch

# N random filters whose programs libseccomp makes too: all decide alike, which is proven.
.PHONY: campaign-libseccomp
campaign-libseccomp: libseccomp
	cd bench && $(GO) test ./libseccomp -v -timeout 0 -args -seed $(SEED) -n $(N)

# The C library and the compiler for it, where apt has them.
.PHONY: libseccomp
libseccomp:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! { command -v cc && [ -e /usr/include/seccomp.h ]; } >/dev/null; then \
		{ apt-get update -q && apt-get install -qy gcc libc6-dev libseccomp-dev; } >/dev/null || echo "no libseccomp-dev: going on without it"; \
	fi

# What is generated and checked in: the tables of arch/, the blobs of policies/, the pages of docs/seccompc/.
.PHONY: generate
generate:
	$(GO) generate ./...

# The system calls of a newer golang.org/x/sys: what changes in names and in what the policies decide. KEEP=1 keeps them, with
# that x/sys in go.mod.
XSYS ?= latest
.PHONY: update-tables
update-tables:
	cd compiler && $(GO) run updatetables.go $(if $(KEEP),-keep) $(XSYS)

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: lint
lint:
	@test -z "$$(gofmt -l .)" || { echo "gofmt wants to change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	cd bench && $(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	cd bench && $(GO) run $(STATICCHECK) ./...
	$(GO) mod tidy -diff
	cd bench && $(GO) mod tidy -diff
	GOOS=darwin $(GO) build -o /dev/null ./cmd/seccompc
	GOOS=windows $(GO) build -o /dev/null ./cmd/seccompc

.PHONY: clean
clean:
	rm -rf bin
