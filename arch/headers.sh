#!/bin/sh
# Unpacks the kernel's UAPI headers of every machine that Debian knows below DIR, and prints what SECCOMPC_HEADERS is to
# be for TestHeaders: SECCOMPC_HEADERS=$(sh headers.sh DIR) go test -v -run Headers .
# One package of some MB has all machines since Debian 13: sid's is the newest kernel's, and trixie's still knows 31-bit
# s390. It comes from the mirror this machine's apt uses, whose own state stays as it is. What is below DIR is not
# downloaded again.
set -eu
[ $# = 1 ] || { echo "usage: headers.sh DIR" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)

for suite in sid trixie; do
	[ -d "$dir/$suite" ] && continue
	work=$dir/$suite.tmp
	rm -rf "$work"
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' 'Label: Debian' | head -n 1)
	[ "$mirror" ] || { echo "headers.sh: apt knows no mirror of Debian; try apt-get update" >&2; exit 1; }
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources.list"
	cat >"$work/apt.conf" <<-EOF
		Dir::Etc::SourceList "$work/sources.list";
		Dir::Etc::SourceParts "-";
		Dir::State::Lists "$work/lists";
		Dir::Cache "$work/cache";
		Acquire::Languages "none";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		APT::Sandbox::User "root";
	EOF
	(
		cd "$work"
		export APT_CONFIG="$work/apt.conf"
		apt-get -q update
		apt-get -q download "linux-libc-dev/$suite"
		dpkg -x linux-libc-dev_*.deb tree
	) >&2
	mv "$work/tree" "$dir/$suite"
	rm -r "$work"
done
echo "$dir/sid:$dir/trixie"
