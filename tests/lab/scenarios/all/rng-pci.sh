# SPDX-License-Identifier: GPL-2.0-or-later
# virtio-rng over PCI gives random bytes.
# run: once
expect_status $ST_OK lkvm_run --rng --virtio-transport pci -p "$(guest rng virtio_rng)"
expect_output "^rng: virtio"
expect_output "^bytes: 4096"
expect_output "^on: .*pci"
