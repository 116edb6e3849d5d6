#!/bin/sh
# Shows the main job on this machine: compile a policy, run a command under it, see a call allowed and one refused.
set -eu
PATH=$PWD/bin:$PATH
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

show() {
	echo "\$ $*"
	"$@" 2>&1 || echo "(exit code $?)"
	echo
}

cat >nomkdir.yaml <<'EOF'
seccompc: 1
name: nomkdir
default: allow
rules:
  - errno(EPERM): [mkdir, mkdirat]
EOF

show cat nomkdir.yaml
show seccompc compile nomkdir.yaml
show seccomp-load nomkdir.seccomp -- ls
show seccomp-load nomkdir.seccomp -- mkdir refused
