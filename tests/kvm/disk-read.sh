# SPDX-License-Identifier: GPL-2.0-or-later
head -c 512 /dev/urandom >sector
for transport in pci mmio; do
	{ head -c 512 /dev/zero; cat sector; head -c 1024 /dev/zero; } >disk
	timeout 20 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --virtio-transport $transport --disk disk \
		>output </dev/null || exit
	cmp sector output || exit
	tail -c +1025 disk | head -c 512 | cmp sector - || exit
done
