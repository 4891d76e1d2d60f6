# SPDX-License-Identifier: GPL-2.0-or-later
# A host whose interrupt controller is a GICv2: what its guests get, and what they cannot have.
# timeout: 400
# host: variant=gicv2
truncate -s 16M disk.img
# chosen COMPATIBLE...: what stands in the device tree.
chosen() {
	"$LAB_TOOLS/dtc" -I dtb -O dts -o tree.dts tree.dtb 2>warnings || fail "dtc: $(cat warnings)"
	[ ! -s warnings ] || fail "$(cat warnings)"
	for compatible; do
		grep -q "compatible = \"$compatible\"" tree.dts || fail "no $compatible in the device tree"
	done
}
# devices IRQCHIP TRANSPORT: a guest of two CPUs whose disk and random numbers both have used.
devices() {
	expect_status $ST_OK lkvm_run --irqchip "$1" --virtio-transport "$2" -c 2 -m 512 -d disk.img --rng \
		--dump-dtb tree.dtb -p "$(guest devices virtio_blk,virtio_rng)"
	expect_output "lab-guest: status 0"
	expect_output "^irq: [0-9]+: [1-9][0-9]* +GIC-0 27 Level +arch_timer"
	expect_output "^irq: IPI0: [1-9]"
	chosen arm,cortex-a15-gic
}

for irqchip in auto gicv2m; do
	devices $irqchip pci
	chosen arm,gic-v2m-frame
	for name in virtio0-req.0 virtio0-req.1 virtio1-input; do
		expect_output "^irq: [0-9]+: [1-9][0-9]* +(MSI|GICv2m-PCI-MSIX-[0-9a-f:.]+) [0-9]+ Edge +$name"
	done
done
# Without the frame PCI devices have their pins.
devices gicv2 pci
expect_output "^irq: [0-9]+: [1-9][0-9]* +GIC-0 [0-9]+ Level +virtio0"
! grep -q gic-v2m tree.dts || fail "an MSI frame"
devices auto mmio
expect_output "^irq: [0-9]+: [1-9][0-9]* +GIC-0 [0-9]+ (Edge|Level) +virtio0"

# A newer kernel.
kernel sid
expect_status $ST_OK lkvm_run -c 2 -d disk.img -p "$(guest devices virtio_blk)"
expect_output "^irq: [0-9]+: [1-9][0-9]* +GICv2m.* virtio0-req.0"
kernel stock
pending_is_reset --irqchip gicv2

# refused STATUS PATTERN OPTIONS...
refused() {
	local status=$1 pattern=$2
	shift 2
	expect_status "$status" lkvm run --nodefaults -k "$LAB_KERNEL" -m 256 "$@"
	expect_output "$pattern"
	[ "$(grep -c '^  \(Fatal\|Error\): ' "$OUT")" = 1 ] || fail "not one line"
}
refused $ST_START "--irqchip gicv3: this host's KVM does not offer it; it has gicv2 gicv2m" --irqchip gicv3
refused $ST_START "--irqchip gicv3-its: this host's KVM does not offer it" --irqchip gicv3-its
refused $ST_START "a guest with gicv2m has at most 8" -c 9
refused $ST_START "--nested: this host's KVM does not give guests EL2" --nested

expect_status $ST_OK lkvm stat --host
expect_output "interrupt controllers: +gicv2$"
expect_output "GIC maintenance interrupt: +no \(there is no GICv3\)"
