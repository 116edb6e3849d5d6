#!/bin/sh
# Builds the small kernel of a machine for which Debian has none, ARCH mips64, from the source of its newest one in bookworm,
# into DIR/boot, which it makes: kernel.sh ARCH DIR. It takes some ten minutes and needs a cross compiler, which it installs as
# root. Where DIR is already, nothing is done.
set -eu
[ $# = 2 ] || { echo "usage: kernel.sh ARCH DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
dir=$2
[ ! -d "$dir" ] || exit 0
case $1 in
mips64) arch=mips cross=mips64-linux-gnuabi64 ;;
*) echo "kernel.sh: no configuration for $1" >&2; exit 2 ;;
esac
command -v "$cross-gcc" >/dev/null && command -v flex >/dev/null && command -v bc >/dev/null || {
	apt-get update -q
	apt-get install -qy --no-install-recommends "gcc-$cross" make gcc libc6-dev flex bison bc xz-utils
} >&2
source=$(dirname "$dir")/source
sh "$here/debian.sh" bookworm "$(dpkg --print-architecture)" linux-source-6.1 "$source"
work=$dir.tmp
rm -rf "$work"
mkdir -p "$work"
{
	tar -xf "$source"/usr/src/linux-source-6.1.tar.xz -C "$work" --strip-components 1
	cat "$here/kernel.config" "$here/kernel-$1.config" >"$work/wanted"
	kernel() { make -C "$work" -s ARCH=$arch CROSS_COMPILE=$cross- KCONFIG_ALLCONFIG="$work/wanted" "$@"; }
	kernel allnoconfig
	# What the configuration lacks of the wanted would be found out much later.
	grep -vxFf "$work/.config" "$work/wanted" | grep '^CONFIG' && { echo "kernel.sh: this source has no such options" >&2; exit 1; }
	kernel -j"$(nproc)" vmlinux
} >&2
mkdir -p "$work/tree/boot"
cp "$work/vmlinux" "$work/tree/boot/"
mv "$work/tree" "$dir"
rm -rf "$work"
