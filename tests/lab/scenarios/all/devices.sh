# SPDX-License-Identifier: GPL-2.0-or-later
# Every device on each transport, in one guest of two CPUs: what Linux negotiates, and its interrupts.
# timeout: 240
kernel stock
truncate -s 16M disk.img
# negotiated DRIVER BIT...
negotiated() {
	local driver=$1 bit features
	shift
	features=$(sed -n "s/^virtio: $driver \([01]*\).*/\1/p" "$OUT")
	[ -n "$features" ] || fail "no $driver in the guest"
	for bit; do
		[ "$(echo "$features" | cut -c $((bit + 1)))" = 1 ] ||
			fail "$driver: feature $bit was not negotiated: $features"
	done
}
for transport in pci mmio; do
	expect_status $ST_OK lkvm_run --virtio-transport $transport -c 2 -m 512 -d disk.img \
		-n mode=user --rng --console virtio -p "$(GUEST_CONSOLE=hvc0 guest devices \
		virtio_blk,virtio_net,af_packet,virtio_rng,virtio_console lab.net=dhcp)"
	expect_output "lab-guest: status 0"
	expect_output "^dhcp: "
	# INDIRECT_DESC, EVENT_IDX, VERSION_1; a disk's flush, queues, discard, write zeroes; an address.
	for driver in virtio_blk virtio_net virtio_rng virtio_console; do
		negotiated $driver 28 29 32
	done
	negotiated virtio_blk 9 12 13 14
	negotiated virtio_net 5
	case $transport in
	pci)
		# MSI-X: a vector for each queue. Both of the disk's are used, each by its CPU.
		for name in virtio0-req.0 virtio0-req.1 virtio1-input.0 virtio2-output virtio3-input; do
			expect_output "^irq: [0-9]+: [1-9][0-9]* .*MSI.* $name"
		done
		;;
	mmio)
		for name in virtio0 virtio1 virtio2 virtio3; do
			expect_output "^irq: [0-9]+: [1-9][0-9]* .* $name"
		done
		;;
	esac
done
