# SPDX-License-Identifier: GPL-2.0-or-later
# expect WORD OPTIONS...: what the guest found in its device tree.
expect() {
	want=$1
	shift
	timeout -s KILL 60 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --rng "$@" </dev/null >output 2>errors
	status=$?
	if grep -q "does not offer it" errors; then
		echo "not on this host: $*"
		return
	fi
	cat errors output
	[ $status = 0 ] && [ "$(cat output)" = "$want" ] || { echo "FAIL status $status: $*"; exit 1; }
	ran=y
}

for transport in mmio pci; do
	expect its --irqchip gicv3-its --virtio-transport $transport
	expect v3 --irqchip gicv3 --virtio-transport $transport
	expect v2m --irqchip gicv2m --virtio-transport $transport
	expect v2 --irqchip gicv2 --virtio-transport $transport
done
[ -n "$ran" ] || { echo "FAIL no interrupt controller"; exit 1; }
exit 0
