# SPDX-License-Identifier: GPL-2.0-or-later
# With nothing said a guest has a random number generator and a user-mode network, and its console
# works; with --nodefaults it has what was asked for and nothing else.
# run: once
kernel stock "$LAB_IMAGE"
words="quiet lab.run=devices.sh lab.modules=virtio_pci,virtio_rng,virtio_net,af_packet"
expect_status $ST_OK lkvm run -k "$LAB_KERNEL" -i "$LAB_INITRD" -c 1 -m 256 --timeout 100 -p "$words lab.net=dhcp"
expect_output "lab-guest: status 0"
expect_output "^virtio: virtio_rng"
expect_output "^virtio: virtio_net"
expect_output "^dhcp: "
expect_same "virtio devices" "$(grep -ac '^virtio: ' "$OUT")" 2
expect_status $ST_OK lkvm_run -p "console=$LAB_CONSOLE $words"
expect_output "lab-guest: status 0"
expect_no_output "^virtio: "
# The host bridge alone.
expect_same "PCI functions" "$(grep -ac '^pci: ' "$OUT")" 1
expect_status $ST_OK lkvm_run --rng -p "console=$LAB_CONSOLE $words"
expect_output "^virtio: virtio_rng"
expect_same "virtio devices" "$(grep -ac '^virtio: ' "$OUT")" 1
