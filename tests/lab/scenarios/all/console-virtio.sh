# SPDX-License-Identifier: GPL-2.0-or-later
# virtio-console is the guest's console.
# run: once
for transport in pci mmio; do
	expect_status $ST_OK lkvm_run --virtio-transport $transport --console virtio -p "$(GUEST_CONSOLE=hvc0 guest hello virtio_console)"
	expect_output "^Linux .* $LAB_RELEASE "
	expect_output "lab-guest: status 0"
done
