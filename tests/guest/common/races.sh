# SPDX-License-Identifier: GPL-2.0-or-later
# The second disk is where lives are counted, if there is no better place.
truncate -s 1M disk lives
run() {
	timeout -s KILL 20 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 4 --reboot --rng --disk disk --disk lives "$@" \
		2>errors </dev/null
	status=$?
	cat errors
	[ $status = 0 ] || exit $status
}

for transport in pci mmio; do
	run --virtio-transport $transport --network mode=user | grep "races ok" || exit 1
	run --virtio-transport $transport --console virtio >/dev/null
done
exit 0
