# SPDX-License-Identifier: GPL-2.0-or-later
# The second disk is where lives are counted, if there is no better place.
run() {
	rm -f lives
	truncate -s 1M disk lives
	timeout -s KILL 60 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 4 --reboot --rng --disk disk --disk lives "$@" \
		2>errors </dev/null
	status=$?
	cat errors >&2
	[ $status = 0 ] || exit $status
}

# Not every build has the network that needs nothing of the host.
"$LKVM" version | grep -q libslirp && network="--network mode=user" || network=
for transport in pci mmio; do
	# shellcheck disable=SC2086 # two words or none
	run --virtio-transport $transport $network | grep "races ok" || exit 1
	run --virtio-transport $transport --console virtio >/dev/null
done
exit 0
