GO ?= go
export CGO_ENABLED = 0

# The main job: both programs, a compiled policy, and a command that runs under it.
.PHONY: demo
demo: build
	@sh docs/demo.sh

.PHONY: build
build:
	$(GO) build -o bin/ ./cmd/seccompc ./cmd/seccomp-load

# Everything that tells whether it works, in minutes.
.PHONY: test
test:
	$(GO) test ./...
	cd bench && $(GO) test ./...

# The live tests of policies/ on a kernel that has i386 and x32, in a virtual machine.
.PHONY: test-i386
test-i386:
	sh policies/i386.sh

# The constants of arch/ beside the kernel's own headers, newest and for every machine, from Debian's mirror.
.PHONY: test-headers
test-headers:
	SECCOMPC_HEADERS=$$(sh arch/headers.sh $${TMPDIR:-/tmp}/seccompc-headers) && export SECCOMPC_HEADERS && $(GO) test -v -run Headers ./arch

# What is generated and checked in: the tables of arch/, the blobs of policies/.
.PHONY: generate
generate:
	$(GO) generate ./...

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
