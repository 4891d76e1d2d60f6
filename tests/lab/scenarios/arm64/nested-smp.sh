# SPDX-License-Identifier: GPL-2.0-or-later
# Two vCPUs at EL2, MSIs through an ITS at both levels, everything over PCI.
# timeout: 700
kernel sid
LAB_LIMIT=600
GUEST_CONSOLE=hvc0
NESTED_WORDS=lab.inner=--irqchip,gicv3-its
nested_prepare
nested_run --console virtio -c 2 --irqchip gicv3-its
expect_output "^outer: cpus 2"
expect_output "^inner: msi [1-9]"
