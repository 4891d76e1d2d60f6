# SPDX-License-Identifier: GPL-2.0-or-later
# The device tree of several machines: dtc has nothing to say against any, and each is, node by node, the
# one in the folder dtb/, which ../dtb-bindings holds against the kernel's bindings.
# After a change that is meant: check --keep DIR arm64 dtb; dtb-bindings DIR/dtb-*.dts; copy them to dtb/.
# timeout: 240

tree plain -c 1
expect_output 'memory@80000000'
expect_output 'reg = <0x00 0x80000000 0x00 0x10000000>'
expect_output 'stdout-path = "/serial@1000000"'
expect_output 'compatible = "arm,gic-v3-its"'
expect_output 'msi-map = <0x00 0x02 0x00 0x10000>'
expect_output 'method = "hvc"'
expect_output 'linux,initrd-start'
[ "$(grep -c 'cpu@' "$OUT")" = 1 ] || fail "not one CPU"

tree mmio -c 4 --irqchip gicv3 --virtio-transport mmio --rng
expect_output 'virtio_mmio@3000000'
expect_no_output 'gic-v3-its|msi-map'
expect_output 'cpu@3 '

tree high -c 2 -m 512@0x100000000
expect_output 'memory@100000000'

# At EL2: PSCI by SMC, the maintenance interrupt (PPI 9, high), five timers (all low).
tree nested -c 1 --nested
expect_output 'method = "smc"'
expect_output 'interrupts = <0x01 0x09 0x04>'
expect_output 'interrupts = <0x01 0x0d 0x08 0x01 0x0e 0x08 0x01 0x0b 0x08 0x01 0x0a 0x08 0x01 0x0c 0x08>'

expect_status $ST_START lkvm run --nodefaults -k "$LAB_KERNEL" -m 256 -c 1 --dump-dtb /none/tree.dtb
expect_output '^  Fatal: --dump-dtb /none/tree.dtb: No such file or directory$'
truncate -s 4M flash.img
tree flash -c 1 --flash flash.img
tree options -c 2 --pmu --no-sve --no-pvtime --psci
trees_same
