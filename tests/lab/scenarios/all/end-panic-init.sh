# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel without a root file system panics: the same status.
expect_status $ST_PANIC lkvm run --nodefaults -k "$LAB_KERNEL" -c 1 -m 256 --timeout 60 -p "console=$LAB_CONSOLE panic=-1 quiet"
expect_output "Kernel panic"
expect_output "Info: It found no root file system"
