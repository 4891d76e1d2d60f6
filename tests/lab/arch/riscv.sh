# SPDX-License-Identifier: GPL-2.0-or-later
# What the lab has to know about riscv64. Data only; x86.sh says what each word is for.

DEB_ARCH=riscv64
TRIPLET=riscv64-linux-gnu
QEMU_PACKAGE=qemu-system-riscv
QEMU_BINARY=qemu-system-riscv64
# -cpu max has the hypervisor extension; with IMSICs KVM makes an AIA for its guests.
QEMU_MACHINE="-machine virt,aia=aplic-imsic -cpu max"
HOST_MODULES="kvm 9p 9pnet_virtio"
HOST_MODULES_EXTRA="tun vhost_net vhost_vsock vsock_loopback virtio_net virtio_blk ext4 loop bridge veth vfio_pci"
HOST_IMAGE=Image
RUNS_ONCE=
HOST_CMDLINE="console=ttyS0 nokaslr"
host_clock() { :; }
GUEST_CONSOLE=ttyS0
GUEST_IMAGE=Image
QUICK_IMAGE=Image
KERNEL_FORMS="Image Image.gz vmlinuz.efi"
SMALL_ARCH=
PROBE_GUEST=poweroff.elf
GUEST_MODULES="virtio_pci virtio_mmio virtio_blk virtio_net af_packet virtio_rng virtio_console virtio_balloon crc32c_generic ext4 9p 9pnet_virtio virtiofs vmw_vsock_virtio_transport"
# riscv64 became an architecture of Debian's with 13.
TOOL_SUITES=trixie
BUSYBOX_SUITES=trixie
SYSROOT_SUITES=trixie
# Debian 12's linker, 2.40, crashes at relocations in 13's libc.a that came with 2.41.
LINKER_SUITES=trixie
KERNEL_LABELS="stock sid"
OTHER_KERNEL_LABELS=
MADE_KERNEL_LABELS=
DEBIAN_INITRD_LABELS=stock
INITRD_SUITES=trixie

host_kernel() {
	echo sid
}

host_kernel_make() {
	return 77
}

host_variant() {
	case $1 in
	# KVM makes no interrupt controller for guests where the host's harts have no AIA.
	plic) QEMU_MACHINE="-machine virt -cpu max,smaia=off,ssaia=off" ;;
	*) return 1 ;;
	esac
}

kernel_source() {
	case $1 in
	stock) echo "trixie - linux-image-riscv64" ;;
	sid) echo "sid - linux-image-riscv64" ;;
	esac
}

kernel_files() {
	"$LAB_DIR/arm-images" "$1" "$2"
}
