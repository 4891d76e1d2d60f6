# SPDX-License-Identifier: GPL-2.0-or-later
# What the lab has to know about arm64. Data only; x86.sh says what each word is for.

DEB_ARCH=arm64
TRIPLET=aarch64-linux-gnu
QEMU_PACKAGE=qemu-system-arm
QEMU_BINARY=qemu-system-aarch64
# virtualization=on gives the CPUs EL2, and -cpu max FEAT_NV2, which the host's KVM hands on.
# KVM knows no SME, and its state costs time at each switch.
QEMU_MACHINE="-machine virt,virtualization=on,gic-version=3 -cpu max,sme=off"
# KVM itself is built in.
HOST_MODULES="9p 9pnet_virtio"
HOST_MODULES_EXTRA="tun vhost_net vhost_vsock vsock_loopback virtio_net virtio_blk ext4 loop bridge veth vfio_pci"
HOST_IMAGE=Image
RUNS_ONCE=
HOST_CMDLINE="console=ttyAMA0 kvm-arm.mode=nested mitigations=off nokaslr"
host_clock() { :; }
GUEST_CONSOLE=ttyS0
GUEST_IMAGE=Image
QUICK_IMAGE=Image
KERNEL_FORMS="Image Image.gz vmlinuz.efi zImage"
SMALL_ARCH=arm64
SMALL_IMAGE=arch/arm64/boot/Image
PROBE_GUEST=poweroff.bin
GUEST_MODULES="virtio_pci virtio_mmio virtio_blk virtio_net af_packet virtio_rng virtio_console virtio_balloon crc32c_generic ext4 9p 9pnet_virtio virtiofs vmw_vsock_virtio_transport"
TOOL_SUITES=stable
BUSYBOX_SUITES=stable
SYSROOT_SUITES=stable
LINKER_SUITES=
KERNEL_LABELS="stock backport sid"
# For guests only, and what needs one is skipped where it is not to be had.
OTHER_KERNEL_LABELS=arm32
MADE_KERNEL_LABELS=
DEBIAN_INITRD_LABELS=stock
INITRD_SUITES=stable

# kvm-arm.mode=nested came with 6.16, which no release has yet.
host_kernel() {
	echo sid
}

host_kernel_make() {
	return 77
}

host_variant() {
	case $1 in
	# With nested mode asked for, a GICv2 host has no /dev/kvm at all.
	gicv2) QEMU_MACHINE="-machine virt,virtualization=on,gic-version=2 -cpu max,sme=off" ;;
	no-its) QEMU_MACHINE="$QEMU_MACHINE -machine its=off" ;;
	plain | protected) ;;
	*) return 1 ;;
	esac
	[ "$1" = no-its ] || HOST_CMDLINE="console=ttyAMA0 mitigations=off nokaslr"
	[ "$1" != protected ] || HOST_CMDLINE="$HOST_CMDLINE kvm-arm.mode=protected"
}

kernel_source() {
	case $1:$2 in
	stock:*) echo "stable - linux-image-arm64" ;;
	backport:bookworm) echo "stable - linux-image-6.12-arm64" ;;
	backport:*) echo "stable $2-backports linux-image-arm64" ;;
	sid:*) echo "sid - linux-image-arm64" ;;
	# With the architecture of the kernel and of its busybox.
	arm32:*) echo "$2 - linux-image-armmp armhf" ;;
	esac
}

kernel_files() {
	# A zImage unpacks itself and comes in no other form.
	if [ "$(tail -c +37 "$1" | head -c 4 | od -An -tx1 | tr -d ' ')" = 18286f01 ]; then
		cp "$1" "$2/zImage"
	else
		"$LAB_DIR/arm-images" "$1" "$2"
	fi
}
