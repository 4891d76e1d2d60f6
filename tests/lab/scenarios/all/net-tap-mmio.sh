# SPDX-License-Identifier: GPL-2.0-or-later
# A tap device behind virtio-mmio: 4 MiB each way with checksums.
# run: once
# needs: tun
# timeout: 240
# Not more, for now: with 64 MiB three guests of ten ended by a triple fault while they sent. The host's KVM
# saw it right behind a VM entry (an interrupt being injected; a fetch fault on the kernel's own text). Whether
# the emulated CPU or lkvm is to blame is not known; three runs under QEMU's microvm went well.
in_namespace "$LAB_RUN/tests/net-tap-mmio.sh"
[ -c /dev/net/tun ] || skip "no /dev/net/tun"
$LAB_TOOLS/ip tuntap add dev tap0 mode tap || skip "no tap device can be made"
ip addr add 192.168.44.1/24 dev tap0
ip link set tap0 up
net_serve 192.168.44.1 4
LAB_LIMIT=200
expect_status $ST_OK lkvm_run -m 512 --virtio-transport mmio -n mode=tap,tapif=tap0 \
	-p "$(guest net virtio_net,af_packet "lab.net=192.168.44.2/24,192.168.44.1 $NET_WORDS")"
expect_output "^on: .*(LNRO0005|virtio.mmio)"
net_compare
