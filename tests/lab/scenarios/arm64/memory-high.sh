# SPDX-License-Identifier: GPL-2.0-or-later
# RAM where 40 bits of address do not reach: the guest gets as many bits as it takes. With earlycon.
kernel stock
truncate -s 1M disk.img
expect_status $ST_OK lkvm_run -m 512@0x20000000000 -d disk.img -p "$(guest memory virtio_blk) loglevel=7 earlycon"
expect_output "^lab-guest: status 0"
expect_output "earlycon: ns16550a0 at MMIO 0x0*1000000"
expect_output "^above 4G: 0*20000000000-"
# A host has its limit, and a message tells it.
expect_status $ST_START lkvm run --nodefaults -k "$LAB_KERNEL" -m 512@0x100000000000000
expect_output "^  Fatal: --mem: 512 MiB of memory at 0x100000000000000 do not fit"
