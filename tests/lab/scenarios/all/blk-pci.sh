# SPDX-License-Identifier: GPL-2.0-or-later
# virtio-blk over PCI, and a read-only disk beside it.
# run: once
data_file disk.img 64
data_file two.img 8
expect_status $ST_OK lkvm_run --virtio-transport pci -d disk.img -d two.img,ro -p "$(guest blk-sum virtio_blk)"
expect_output "^sum: $(sum disk.img)"
expect_output "^on: .*pci"
expect_output "^vdb: ro 1 size 16384"
