module github.com/seccompc/seccompc/bench

go 1.26.0

require (
	github.com/moby/profiles/seccomp v0.3.0
	github.com/opencontainers/runtime-spec v1.2.1
	github.com/opencontainers/runtime-tools v0.9.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	github.com/seccompc/seccompc v0.0.0
	gopkg.in/yaml.v3 v3.0.1
)

require (
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/seccompc/seccompc => ../
