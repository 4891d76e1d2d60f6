# SPDX-License-Identifier: GPL-2.0-or-later
# The suite's own kernel reaches user space and powers off.
kernel stock "$LAB_IMAGE"
expect_status $ST_OK lkvm_run -p "$(guest hello)"
expect_output "^Linux .* $LAB_RELEASE "
expect_output "^cpus: 1"
expect_output "lab-guest: status 0"
expect_no_output "Kernel panic|BUG:|WARNING:|ACPI.*Error|PCI.*(Fatal|Error)"
