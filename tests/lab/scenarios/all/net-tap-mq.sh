# SPDX-License-Identifier: GPL-2.0-or-later
# A tap device with two queue pairs for two CPUs: 64 MiB (16 where that is emulated) each way with checksums.
# needs: tun
# timeout: 240
in_namespace "$LAB_RUN/tests/net-tap-mq.sh"
[ -c /dev/net/tun ] || skip "no /dev/net/tun"
$LAB_TOOLS/ip tuntap add dev tap0 mode tap multi_queue || skip "no tap device can be made"
ip addr add 192.168.44.1/24 dev tap0
ip link set tap0 up
net_serve 192.168.44.1 "$(mib 64)"
LAB_LIMIT=200
expect_status $ST_OK lkvm_run -c 2 -m 512 -n mode=tap,tapif=tap0,queues=2 -p "$(guest net virtio_net,af_packet "lab.net=192.168.44.2/24,192.168.44.1 $NET_WORDS")"
net_compare
