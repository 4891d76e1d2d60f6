# SPDX-License-Identifier: GPL-2.0-or-later
# User-mode network over MMIO: 16 MiB (4 where that is emulated) each way.
# run: once
# timeout: 240
net_serve 127.0.0.1 "$(mib 16)"
LAB_LIMIT=200
expect_status $ST_OK lkvm_run -m 512 --virtio-transport mmio -n mode=user,loopback=on -p "$(guest net virtio_net,af_packet "lab.net=dhcp $NET_WORDS")"
expect_output "^on: .*(LNRO0005|virtio.mmio)"
net_compare
