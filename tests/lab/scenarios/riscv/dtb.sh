# SPDX-License-Identifier: GPL-2.0-or-later
# The device tree of several machines: dtc has nothing to say against any, and each is, node by node, the
# one in the folder dtb/, which ../dtb-bindings holds against the kernel's bindings (of Linux 6.1, which do not
# know riscv,isa-extensions and sv57 yet, and say nothing else).
# After a change that is meant: check --keep DIR riscv dtb; dtb-bindings DIR/dtb-*.dts; copy them to dtb/.
# timeout: 240

# It misses #address-cells in CPUs' interrupt controllers and IMSICs, whose bindings do not allow them.
DTC_FLAGS="-W no-interrupt_provider"

tree plain -c 1
expect_output 'compatible = "riscv,imsics"'
expect_output 'compatible = "riscv,aplic"'
expect_output 'msi-map|msi-parent'
expect_output 'riscv,isa-base = "rv64i"'
tree plic -c 1 --irqchip plic
expect_output 'sifive,plic-1.0.0'
expect_no_output 'imsics|aplic|msi-parent|msi-map'
tree mmio -c 1 --virtio-transport mmio --rng
expect_output 'virtio_mmio@'
tree min -c 1 --cpu-type min
expect_no_output 'riscv,imsics'
tree harts -c 4
expect_output 'riscv,hart-index-bits = <0x02>'
[ "$(grep -c 'cpu@' "$OUT")" = 4 ] || fail "not four CPUs"
trees_same
