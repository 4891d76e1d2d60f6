# SPDX-License-Identifier: GPL-2.0-or-later
# A vmlinux is entered through its PVH note.
kernel stock
expect_status $ST_OK lkvm_run -k "$LAB_VMLINUX" -p "$(guest hello)"
expect_output "^Linux .* $LAB_RELEASE "
expect_output "lab-guest: status 0"
