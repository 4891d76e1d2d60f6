# SPDX-License-Identifier: GPL-2.0-or-later
# Without ACPI tables: the MP table finds both CPUs and routes PCI interrupts. (Devices on MMIO
# are announced on the command line then; Debian's kernels do not look there, tests/guest does.)
# There is no register to power off by: the second guest's kernel halts instead.
data_file disk.img 8
expect_status $ST_OK lkvm_run -c 2 --no-acpi -d disk.img -p "$(guest blk-sum virtio_blk lab.end=reboot)"
expect_output "^sum: $(sum disk.img)"
expect_output "^on: .*pci"
expect_no_output "ACPI.*Error"
expect_status $ST_OK lkvm_run -c 2 --no-acpi -p "$(guest smp)"
expect_output "^cpus: 2"
expect_output "reboot: .*System halted"
