#!/bin/sh
# Unpacks a package of any of Debian's architectures and suites into DIR, which it makes: debian.sh SUITE ARCH PACKAGE DIR.
# Of a kernel's metapackage, linux-image-something, it takes the kernel.
# The package comes from the mirror that this machine's apt uses, and apt verifies it; its own state stays as it is. DIR
# appears when all is well. Where it is already, nothing is done.
set -eu
[ $# = 4 ] || { echo "usage: debian.sh SUITE ARCH PACKAGE DIR" >&2; exit 2; }
suite=$1 arch=$2 package=$3 dir=$4
[ ! -d "$dir" ] || exit 0
work=$dir.tmp
rm -rf "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' 'Label: Debian' | head -n 1)
[ "$mirror" ] || { echo "debian.sh: apt knows no mirror of Debian; try apt-get update" >&2; exit 1; }
echo "deb [arch=$arch signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources.list"
cat >"$work/apt.conf" <<EOF
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$work/lists";
Dir::State::Status "$work/status";
Dir::Cache "$work/cache";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::Retries "4";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
EOF
: >"$work/status"
export APT_CONFIG="$work/apt.conf"
{
	apt-get -q update && case $package in
	linux-image-*)
		kernel=$(apt-cache depends "$package" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
		[ ! "$kernel" ] || package=$kernel
		;;
	esac && (cd "$work" && apt-get -q download "$package" && dpkg -x ./*.deb tree)
} >&2 || { echo "debian.sh: $package of $suite for $arch could not be had" >&2; rm -rf "$work"; exit 1; }
mv "$work/tree" "$dir"
rm -rf "$work"
