# SPDX-License-Identifier: GPL-2.0-or-later
# User-mode network over MMIO.
# timeout: 240
net_serve 127.0.0.1
LAB_LIMIT=200
expect_status $ST_OK lkvm_run -m 512 --virtio-transport mmio -n mode=user -p "$(guest net virtio_net,af_packet "lab.net=dhcp lab.port=$PORT")"
expect_output "^on: .*(LNRO0005|virtio.mmio)"
net_compare
