# SPDX-License-Identifier: GPL-2.0-or-later
# EDK2's build for kvmtool reaches its shell; a variable set there is in the flash the next time.
# run: named
# timeout: 900
efi=$LAB_CACHE/$LAB_ARCH/edk2/KVMTOOL_EFI.fd
[ -f "$efi" ] || skip "no firmware in the cache: tests/lab/edk2 builds it"
guid=11111111-2222-3333-4444-555555555555
truncate -s 4M flash.img
truncate -s 16M disk.img

# It resets once when it notes boot options in an empty flash.
EFI_OPTIONS="--firmware $efi --flash flash.img -d disk.img --rng"
efi_shell "connect -r" "map -r" "setvar lkvm -guid $guid -nv -bs =0xCAFE" "reset -s"
expect_output 'UEFI Interactive Shell'
expect_output 'BLK0:'
efi_shell "setvar lkvm -guid $guid" "reset -s"
# Little-endian, as the shell shows bytes.
expect_output 'FE CA'
