# SPDX-License-Identifier: GPL-2.0-or-later
# A 32-bit kernel with its own user space: two CPUs, MSIs for a disk on PCI, then all over MMIO, and PSCI by lkvm.
# timeout: 300
kernel arm32
LAB_KERNEL=${LAB_KERNEL%/*}/zImage
data_file disk.img 8
expect_status $ST_OK lkvm_run --aarch32 -c 2 -m 512 -p "$(guest hello)"
expect_output "^Linux .* $LAB_RELEASE .*armv7l"
expect_output "^cpus: 2"
expect_output "lab-guest: status 0"
expect_status $ST_OK lkvm_run --aarch32 -d disk.img -p "$(guest blk-sum virtio_blk)"
expect_output "^sum: $(sum disk.img)"
expect_output "^on: .*pci"
expect_status $ST_OK lkvm_run --aarch32 -c 2 --psci --virtio-transport mmio -d disk.img -p "$(guest blk-sum virtio_blk)"
expect_output "^sum: $(sum disk.img)"
expect_output "^on: .*virtio.mmio"
expect_output "lab-guest: status 0"
