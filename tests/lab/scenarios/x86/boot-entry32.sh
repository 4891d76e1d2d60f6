# SPDX-License-Identifier: GPL-2.0-or-later
# A bzImage that does not say it has a 64-bit entry is entered at the 32-bit one.
kernel stock "$LAB_IMAGE"
cp "$LAB_KERNEL" bzImage
# xloadflags, low byte
printf '\0' | dd of=bzImage bs=1 seek=$((0x236)) conv=notrunc 2>/dev/null
expect_status $ST_OK lkvm_run -k bzImage -p "$(guest hello)"
expect_output "^Linux .* $LAB_RELEASE "
expect_output "lab-guest: status 0"
