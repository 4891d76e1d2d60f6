# SPDX-License-Identifier: GPL-2.0-or-later
# A triple fault has a status of its own.
# reboot=t makes the kernel reset by one.
expect_status $ST_TRIPLE lkvm_run -p "$(guest hello "" "lab.end=reboot reboot=t")"
expect_output "lab-guest: status 0"
