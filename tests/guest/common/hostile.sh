# SPDX-License-Identifier: GPL-2.0-or-later
truncate -s 1M disk
run() {
	timeout -k 1 20 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --rng --disk disk "$@" \
		2>errors </dev/null
	status=$?
	cat errors
	[ $status = 0 ] || exit $status
}

for transport in pci mmio; do
	run --virtio-transport $transport --network mode=user | grep "hostile ok" || exit 1
	run --virtio-transport $transport --console virtio >/dev/null
done
exit 0
