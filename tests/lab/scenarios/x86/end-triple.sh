# SPDX-License-Identifier: GPL-2.0-or-later
# reboot=t makes the kernel reset by a triple fault: as it says so before, it is a reset like any other. After a
# panic it says nothing of that kind; what it said of the panic counts.
expect_status $ST_OK lkvm_run -p "$(guest hello "" "lab.end=reboot reboot=t")"
expect_output "lab-guest: status 0"
expect_output "reboot: Restarting system"
expect_status $ST_PANIC lkvm_run -p "$(guest panic "" reboot=t)"
