# SPDX-License-Identifier: GPL-2.0-or-later
# virtio-blk over MMIO.
# run: once
truncate -s 64M disk.img
data_file disk.img 64
expect_status $ST_OK lkvm_run --virtio-transport mmio -d disk.img -p "$(guest blk-sum virtio_blk)"
expect_output "^sum: $(sum disk.img)"
expect_output "^on: .*(LNRO0005|virtio.mmio)"
