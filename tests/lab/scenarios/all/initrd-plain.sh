# SPDX-License-Identifier: GPL-2.0-or-later
# An initrd that is not compressed.
# run: once
LAB_INITRD=${LAB_INITRD%.gz}
expect_status $ST_OK lkvm_run -p "$(guest hello)"
expect_output "lab-guest: status 0"
