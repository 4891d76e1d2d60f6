# SPDX-License-Identifier: GPL-2.0-or-later
# A tap device in a network namespace: 64 MiB (16 where that is emulated) each way with checksums.
# run: once
# needs: tun
# timeout: 240
in_namespace "$LAB_RUN/tests/net-tap.sh"
[ -c /dev/net/tun ] || skip "no /dev/net/tun"
$LAB_TOOLS/ip tuntap add dev tap0 mode tap || skip "no tap device can be made"
ip addr add 192.168.44.1/24 dev tap0
ip link set tap0 up
mib=$(mib 64)
net_serve 192.168.44.1 "$mib"
LAB_LIMIT=200
expect_status $ST_OK lkvm_run -m 512 -n mode=tap,tapif=tap0 -p "$(guest net virtio_net,af_packet "lab.net=192.168.44.2/24,192.168.44.1 $NET_WORDS")"
net_compare
# CSUM, GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, HOST_TSO4, HOST_TSO6 are negotiated, and in use: a MiB of TCP in
# packets of Ethernet's size is 724 of them, before the first acknowledgement is counted.
features=$(sed -n 's/^features: \([01]*\).*/\1/p' "$OUT")
for bit in 0 1 7 8 11 12; do
	[ "$(echo "$features" | cut -c $((bit + 1)))" = 1 ] || fail "feature $bit was not negotiated: $features"
done
set -- $(sed -n 's/^ *tap0: *//p' /proc/net/dev)
received=$2 sent=${10}
note "$received packets from the guest, $sent to it"
[ "$received" -lt $((mib * 724)) ] && [ "$sent" -lt $((mib * 724)) ] || fail "$received packets from the guest, $sent to it"
