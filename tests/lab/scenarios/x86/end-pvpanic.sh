# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel that panics without a console and does not reset: only its pvpanic driver can tell.
kernel stock
expect_status $ST_PANIC lkvm_run -p "panic=0 quiet lab.run=panic.sh lab.modules=pvpanic_mmio"
expect_no_output "Kernel panic"
