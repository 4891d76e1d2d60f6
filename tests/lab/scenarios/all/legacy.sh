# SPDX-License-Identifier: GPL-2.0-or-later
# Every device behind each legacy interface: what Linux negotiates, and what goes through them.
# timeout: 420
net_serve 127.0.0.1 "$(mib 16)"
LAB_LIMIT=180
for transport in pci-legacy mmio-legacy; do
	data_file disk.img 16
	before=$(sum disk.img)
	expect_status $ST_OK lkvm_run --virtio-transport $transport -c 2 -m 512 -d disk.img \
		-n mode=user,loopback=on --rng --console virtio -p "$(GUEST_CONSOLE=hvc0 guest legacy \
		virtio_blk,virtio_net,af_packet,virtio_rng,virtio_console \
		"lab.net=dhcp $NET_WORDS")"
	for driver in virtio_blk virtio_net virtio_rng virtio_console; do
		# INDIRECT_DESC and EVENT_IDX, and none of virtio 1's.
		expect_output "^virtio: $driver [01]{28}11[01]{2}0{32}"
	done
	case $transport in
	pci-legacy) expect_output "^on: .*/pci" ;;
	*) expect_output "^on: .*(LNRO0005|virtio.mmio)" ;;
	esac
	expect_output "^sum: $before"
	expect_same "the disk's halves" "$(head -c 8388608 disk.img | md5sum)" "$(tail -c 8388608 disk.img | md5sum)"
	expect_output "^random: 256"
	net_compare
	[ $transport = mmio-legacy ] || net_listen
done
