#!/bin/sh
# Runs the live tests of policies/ on Debian's kernel in a virtual machine, for i386 and x32: many kernels have neither, and
# the tests then skip them. It needs Debian's packages qemu-system-x86 and busybox-static, which it installs as root.
# What it downloads stays in the user's cache folder.
set -eu
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/seccompc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$cache"

if ! command -v qemu-system-x86_64 >/dev/null || [ ! -x /bin/busybox ]; then
	apt-get update -q
	apt-get install -qy qemu-system-x86 busybox-static
fi
image=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
[ "$image" ] || { echo "i386.sh: apt knows no linux-image-amd64; try apt-get update" >&2; exit 1; }
kernel=$cache/$image/boot/vmlinuz-${image#linux-image-}
if [ ! -f "$kernel" ]; then
	(cd "$work" && apt-get -q download "$image" && dpkg -x "$image"_*.deb "$cache/$image")
fi

# The tests build programs. In the machine a stand-in for the go command hands out those built here.
root=$work/root
for d in bin proc sys dev tmp etc policies amd64 386; do
	mkdir -p "$root/$d"
done
cp /bin/busybox "$root/bin/"
cp -r policies/. "$root/policies/"
go test -c -o "$root/policies.test" ./policies
for arch in amd64 386; do
	for p in ./testdata/probe ./cmd/seccomp-load ./policies/testdata/program ./policies/testdata/godaemon \
		./policies/testdata/attempt ./policies/testdata/filter; do
		GOARCH=$arch go build -o "$root/$arch/" "$p"
	done
done
echo root:x:0:0:root:/:/bin/sh >"$root/etc/passwd"
cat >"$root/bin/go" <<'EOF'
#!/bin/sh
case $1 in
build) cp "/${GOARCH:-amd64}/$(basename "$4")" "$3" ;;
esac
EOF
cat >"$root/init" <<'EOF'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/ TMPDIR=/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm
mount -t tmpfs tmp /tmp
ifconfig lo 127.0.0.1 up
uname -a
cd /policies && /policies.test -test.v -test.skip '^TestPrograms$/^go$' && echo "the machine's tests passed"
poweroff -f
EOF
chmod +x "$root/init" "$root/bin/go"
(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initrd"
timeout 1800 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 1500 -smp 2 -kernel "$kernel" -initrd "$work/initrd" \
	-append "console=ttyS0 quiet panic=-1 syscall.x32=y" -nographic -no-reboot -nic none </dev/null | tee "$work/log"
grep -q "the machine's tests passed" "$work/log"
