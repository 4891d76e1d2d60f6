# SPDX-License-Identifier: GPL-2.0-or-later
# What the lab has to know about x86-64. Data only; another architecture is
# another file like this one.

DEB_ARCH=amd64
# Where its libraries lie, and the start of its cross compiler's name.
TRIPLET=x86_64-linux-gnu
QEMU_PACKAGE=qemu-system-x86
QEMU_BINARY=qemu-system-x86_64
# -cpu max: with another model the XSAVE layout makes inner guests panic in
# fpu__init. vmx does not exist in TCG, svm does. REP STOSB clears a page in 4096 steps, REP STOSQ, which
# the kernels of host and guests take without ERMS, in 512: the second guest of a host starts in half the time.
QEMU_MACHINE="-machine q35 -cpu max,erms=off,fsrm=off -vga none"
# Loaded in the emulated host before anything else.
HOST_MODULES="kvm_amd 9p 9pnet_virtio"
# Can be asked for with "run --modules" or a scenario's "needs" line.
HOST_MODULES_EXTRA="tun vhost_net vhost_vsock vsock_loopback virtio_net virtio_blk ext4 loop bridge veth vfio_pci"
# Which of its forms: QEMU enters an ELF kernel through its PVH note.
HOST_IMAGE=vmlinux
# Whether scenarios that one architecture's emulated host has to run, run in this one's: it is the fastest.
RUNS_ONCE=y
# nokaslr and mitigations=off: under TCG both only cost time.
HOST_CMDLINE="console=ttyS0 mitigations=off nokaslr tsc=reliable"

# host_clock: more words for it. The emulated CPUs count with this machine's TSC; a kernel
# that measured its frequency beside a busy neighbour was seen to let time run five times
# too fast, and every limit in it passed five times too early.
host_clock() {
	local _cc=${CC:-cc} _exe=$ARCH_CACHE/tsc-khz
	if [ ! -x "$_exe" ] && "$_cc" -O1 -o "$_exe.$$" "$LAB_DIR/tsc-khz.c" 2>/dev/null; then
		mv "$_exe.$$" "$_exe"
	fi
	[ ! -x "$_exe" ] || echo "tsc_early_khz=$("$_exe")"
}
GUEST_CONSOLE=ttyS0
GUEST_IMAGE=bzImage
# What guests boot where that is not what is tested: with nothing to unpack they take a quarter less time.
QUICK_IMAGE=vmlinux
KERNEL_FORMS="bzImage vmlinux"
# Of which name Linux's makefiles know it, and what they make that becomes the small kernel's QUICK_IMAGE; empty: it is not
# made for this architecture.
SMALL_ARCH=x86
SMALL_IMAGE=vmlinux
# The smallest of tests/guest: it ends at once.
PROBE_GUEST=poweroff.elf
# In the busybox guest's initrd, loaded in this order unless lab.modules= says otherwise.
GUEST_MODULES="virtio_pci virtio_mmio virtio_blk virtio_net af_packet virtio_rng virtio_console virtio_balloon pvpanic_mmio crc32c_generic ext4 9p 9pnet_virtio virtiofs vmw_vsock_virtio_transport button evdev"
# Where the programs come from that it runs beside busybox: from a suite by name where "stable" lacks it.
TOOL_SUITES=stable
BUSYBOX_SUITES=stable
# Headers and libraries for cross builds, see scripts/cross-sysroot.
SYSROOT_SUITES=stable
# Where a linker for them comes from when the machine's own is too old; empty: it is not.
LINKER_SUITES=
# Kernels fetched as the host's and the guests': a label each. What a label means
# depends on the suite the machine runs:
#	stock     what an ordinary installation of the machine's suite boots
#	backport  a newer one that the same suite offers
#	sid       the newest Debian has
KERNEL_LABELS="stock backport sid"
OTHER_KERNEL_LABELS=
# For hosts only, made by host_kernel_make.
MADE_KERNEL_LABELS="sw-protected proposed"
# Made with Debian's initramfs-tools for these kernels, the tools being of these suites.
DEBIAN_INITRD_LABELS=stock
INITRD_SUITES=stable

# host_kernel CODENAME: the emulated host's kernel unless a scenario asks for another.
# 6.12, not the newest: under 7.2 one inner guest in some thirty (with QEMU as its VMM, too) ended
# at a virtio notify write as KVM internal error, suberror 3, event delivery; under 6.12 none has.
# The likely reason, not proved: newer KVM takes any event type left in EXITINTINFO for an event
# being delivered, and QEMU's SVM clears only the valid bit there.
host_kernel() {
	case $1 in
	bookworm) echo backport ;;
	trixie) echo stock ;;
	*) echo sid ;;
	esac
}

# host_kernel_make LABEL: makes a host's kernel that is no package; status 77: it cannot be had.
host_kernel_make() {
	case $1 in
	sw-protected | proposed) "$LAB_DIR/kvm-modules" "$1" ;;
	*) return 77 ;;
	esac
}

# host_variant NAME: changes the above; a scenario asks for it by "# host: variant=NAME".
#	huge-pages	with one of 1 GiB put aside, which is easiest before anything else has memory
host_variant() {
	case $1 in
	huge-pages) HOST_CMDLINE="$HOST_CMDLINE hugepagesz=1G hugepages=1" ;;
	*) return 1 ;;
	esac
}

# kernel_source LABEL CODENAME: suites, default release ("-": none), metapackage.
kernel_source() {
	case $1:$2 in
	stock:*) echo "stable - linux-image-amd64" ;;
	backport:bookworm) echo "stable - linux-image-6.12-amd64" ;;
	backport:*) echo "stable $2-backports linux-image-amd64" ;;
	sid:*) echo "sid - linux-image-amd64" ;;
	esac
}

# kernel_files VMLINUZ DIR: the forms of a kernel that lkvm boots on this architecture.
kernel_files() {
	cp "$1" "$2/bzImage"
	"$LAB_DIR/extract-vmlinux" "$1" "$2/vmlinux"
}
