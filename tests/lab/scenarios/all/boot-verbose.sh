# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel says nothing of errors in ACPI, PCI, timers or the console.
expect_status $ST_OK lkvm_run -p "console=$LAB_CONSOLE panic=-1 loglevel=8 lab.modules= lab.run=hello.sh"
expect_output "lab-guest: status 0"
expect_no_output "ACPI.*(Error|Exception|BIOS bug)|PCI: Fatal|can't claim|no compatible bridge|firmware bug|Firmware Bug|TSC.*unstable|clocksource.*unstable|spurious"
case $LAB_ARCH in x86) expect_output "ttyS0 at I/O 0x3f8 .* is a 16550A" ;; esac
