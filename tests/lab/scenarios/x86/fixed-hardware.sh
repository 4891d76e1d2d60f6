# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels that are told to leave an interrupt controller or a clock alone find others, and user space is heard (noapic:
# disks without messages, too). One that suspends to idle is woken by the clock's alarm.
data_file disk.img 4
for words in nosmp "noapic pci=nomsi" "no-kvmclock nolapic"; do
	expect_status $ST_OK lkvm_run -c 2 -d disk.img -p "$(guest blk-sum virtio_blk "$words")"
	expect_output "^sum: $(sum disk.img)"
	expect_output "lab-guest: status 0"
	expect_no_output "nobody cared|spurious"
done
expect_status $ST_OK lkvm_run -c 2 -p "$(guest sleep)"
expect_output "^sleep: .*; mem: \[s2idle\]"
expect_output "^sleep: back from freeze"
expect_output "^sleep: back from mem"
expect_output "lab-guest: status 0"
