# SPDX-License-Identifier: GPL-2.0-or-later
# A host whose harts have no AIA: its guests' interrupt controller is lkvm's own PLIC.
# timeout: 400
# host: variant=plic
truncate -s 16M disk.img
# devices CPUS TRANSPORT [OPTION...]: a guest whose disk and random numbers have been used by each CPU.
devices() {
	local cpus=$1 transport=$2
	shift 2
	expect_status $ST_OK lkvm_run --virtio-transport "$transport" -c "$cpus" -m 512 -d disk.img --rng \
		--dump-dtb tree.dtb -p "$(guest devices virtio_blk,virtio_rng)" "$@"
	expect_output "lab-guest: status 0"
	"$LAB_TOOLS/dtc" -I dtb -O dts -o tree.dts tree.dtb 2>warnings || fail "dtc: $(cat warnings)"
	grep -q 'compatible = "sifive,plic-1.0.0", "riscv,plic0"' tree.dts || fail "no PLIC in the device tree"
	! grep -q 'imsics\|aplic\|msi-parent' tree.dts || fail "an AIA in the device tree"
}

devices 1 pci
expect_output "^irq: [0-9]+: [1-9][0-9]* +SiFive PLIC +[0-9]+ Edge +virtio0"
devices 4 mmio --irqchip plic
expect_output "^irq: [0-9]+: [1-9][0-9]* +SiFive PLIC +[0-9]+ Edge +virtio0"
expect_output "^irq: [0-9]+: [1-9][0-9]* +SiFive PLIC +[0-9]+ Edge +virtio1"

expect_status $ST_START lkvm run --nodefaults -k "$LAB_KERNEL" -m 256 --irqchip aia
expect_output "--irqchip aia: this host's KVM does not offer it"
expect_status $ST_OK lkvm stat --host
expect_output "interrupt controllers: +plic$"
