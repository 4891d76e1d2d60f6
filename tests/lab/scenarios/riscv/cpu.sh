# SPDX-License-Identifier: GPL-2.0-or-later
# What CPUs can do and are called, what firmware serves them, and a guest that suspends itself.
# timeout: 500
# cpu WORD [OPTION...]
cpu() {
	local word=$1
	shift
	expect_status $ST_OK lkvm_run -m 256 --dump-dtb tree.dtb -p "$(guest riscv-cpu virtio_blk) lab.arg=$word no_console_suspend" "$@"
	expect_output "lab-guest: status 0"
	"$LAB_TOOLS/dtc" -I dtb -O dts -o tree.dts tree.dtb 2>warnings || fail "dtc: $(cat warnings)"
}

cpu - --custom-mvendorid 0x5b7 --custom-marchid 7 --custom-mimpid 9
grep -q 'riscv,isa = "rv64imafdc' tree.dts || fail "no riscv,isa"
grep -q 'riscv,isa-base = "rv64i"' tree.dts || fail "no riscv,isa-base"
grep -q 'riscv,aplic' tree.dts || fail "no AIA"
grep -q 'riscv,cbom-block-size' tree.dts || fail "no block size"
expect_output "^isa.*: rv64imafdc.*_sstc"
expect_output "^mvendorid.*: 0x5b7"
expect_output "^marchid.*: 0x7"
expect_output "^mimpid.*: 0x9"
expect_output "SBI DBCN extension detected"
expect_output "SBI SRST extension detected"

# KVM resets an AIA's IMSIC with its hart, which a suspension does, and before Linux 7.0 a guest's kernel does not
# set it up again: interrupts of devices stay away afterwards. So with this older kernel it is the PLIC.
suspends() {
	cpu suspend -c 2 --suspend-seconds 2 -d disk.img "$@"
	expect_output "^suspend: back"
	expect_output "^cpus after: 2"
	expect_no_output "time ran backwards"
	expect_output "^disk after: $(dd if=disk.img bs=4096 skip=100 count=16 2>/dev/null | md5sum)"
}
head -c 1048576 /dev/urandom >disk.img
suspends --irqchip plic
kernel sid
suspends
kernel stock

# What is disabled is not told.
cpu - --disable-ssaia --disable-svpbmt --disable-sbi-sta --disable-sbi-dbcn
grep -q 'sifive,plic-1.0.0' tree.dts || fail "no PLIC"
! grep -q 'ssaia\|svpbmt' tree.dts || fail "a disabled extension in the device tree"
expect_no_output "SBI DBCN extension detected|using SBI STA"

cpu - --cpu-type min
grep -q 'riscv,isa = "rv64imafdc_zicntr_zicsr_zifencei_zihpm_sstc"' tree.dts || fail "not the base"

expect_status $ST_START lkvm run --nodefaults -k "$LAB_KERNEL" -m 256 --irqchip aia --disable-ssaia
expect_output "--irqchip aia and --disable-ssaia do not go together"
# Nobody waits for a timer of this one (riscv64.md).
expect_status $ST_TIMEOUT lkvm run --nodefaults -k "$LAB_KERNEL" -m 256 --timeout 2 --disable-sstc --dump-dtb tree.dtb
expect_output "Warning: --disable-sstc: the host cannot .* may lose timers"
"$LAB_TOOLS/dtc" -I dtb -O dts -o tree.dts tree.dtb 2>warnings || fail "dtc: $(cat warnings)"
! grep -q sstc tree.dts || fail "Sstc in the device tree"
