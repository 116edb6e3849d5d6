module github.com/seccompc/seccompc/bench

go 1.26.0

require (
	github.com/elastic/go-seccomp-bpf v1.6.0
	github.com/moby/profiles/seccomp v0.3.0
	github.com/opencontainers/runtime-spec v1.2.1
	github.com/opencontainers/runtime-tools v0.9.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	github.com/seccompc/seccompc v0.0.0
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.49.0
	gopkg.in/yaml.v3 v3.0.1
	gvisor.dev/gvisor v0.0.0-20250503011706-39ed1f5ac29c
)

require (
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/time v0.7.0 // indirect
)

replace github.com/seccompc/seccompc => ../
