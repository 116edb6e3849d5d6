#!/bin/sh
# Unpacks the kernel's UAPI headers of every machine that Debian knows below DIR, and prints what SECCOMPC_HEADERS is to
# be for TestHeaders: SECCOMPC_HEADERS=$(sh headers.sh DIR) go test -v -run Headers .
# One package of some MB has all machines since Debian 13: sid's is the newest kernel's, and trixie's still knows 31-bit
# s390. What is below DIR is not downloaded again.
set -eu
[ $# = 1 ] || { echo "usage: headers.sh DIR" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
for suite in sid trixie; do
	sh "$(dirname "$0")/../vms/debian.sh" "$suite" "$(dpkg --print-architecture)" linux-libc-dev "$dir/$suite"
done
echo "$dir/sid:$dir/trixie"
