# SPDX-License-Identifier: GPL-2.0-or-later
# User-mode network: DHCP, and 64 MiB (16 where that is emulated) each way with checksums.
# run: once
# timeout: 240
net_serve 127.0.0.1 "$(mib 64)"
LAB_LIMIT=200
expect_status $ST_OK lkvm_run -m 512 -n mode=user,loopback=on -p "$(guest net virtio_net,af_packet "lab.net=dhcp $NET_WORDS")"
net_compare
