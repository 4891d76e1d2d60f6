# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's OVMF reaches its shell and sees a disk; it starts a kernel that it gets through fw_cfg.
# run: named
# host: kernel=sw-protected
# timeout: 900
# On the host whose KVM intercepts CR8: see kvm-modules. Named, as a start in twenty ends by a triple fault:
# see Documentation/ovmf.md.
kernel stock "$LAB_IMAGE"
efi=$LAB_CACHE/$LAB_ARCH/ovmf/OVMF.fd
[ -f "$efi" ] || skip "no firmware in the cache: tests/lab/ovmf fetches it"
truncate -s 16M disk.img

EFI_OPTIONS="--firmware $efi -d disk.img"
efi_shell "map -r" "connect -r" "map -r" "reset" "pci" "reset -s"
expect_output 'UEFI Interactive Shell'
expect_output 'BLK0:'

# A kernel by fw_cfg, with its initrd and command line; reboot through the firmware's runtime services.
expect_status $ST_OK lkvm run --nodefaults --firmware "$efi" -k "$LAB_KERNEL" -i "$LAB_INITRD" -m 512 -c 2 \
	-d disk.img --timeout 400 -p "console=ttyS0 panic=-1 lab.run=hello.sh lab.modules=virtio_pci,virtio_blk"
expect_output 'efi: EFI v2'
expect_output "^Linux .* $LAB_RELEASE "
expect_output "lab-guest: status 0"
