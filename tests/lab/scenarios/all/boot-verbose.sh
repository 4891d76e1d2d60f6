# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel says nothing of errors in ACPI, PCI, timers or the console, and finds what is there.
kernel stock "$LAB_IMAGE"
errors="ACPI.*(Error|Exception|BIOS bug)|PCI: Fatal|can't claim|no compatible bridge|firmware bug|Firmware Bug|TSC.*unstable|clocksource.*unstable|spurious"
errors="$errors|[Mm][Tt][Rr][Rr]|OF: .*(rror|nvalid|issing)|exceeds max|GIC.*([Ff]ail|rror|BUG)|arch_timer.*(BUG|rror)|APIC.*[Tt]imer.*(broken|not)|i8042.*(timeout|failed)|Unknown interrupt|nobody cared"
expect_status $ST_OK lkvm_run -c 2 -p "console=$LAB_CONSOLE panic=-1 loglevel=8 lab.modules= lab.run=hello.sh"
expect_output "lab-guest: status 0"
expect_output "smp: Brought up 1 node, 2 CPU"
# Emulated CPUs have no invariant TSC, and without it Linux trusts no two of AMD's to count alike.
[ "$LAB_HOW" = native ] || sed -i '/Marking TSC unstable due to TSCs unsynchronized/d' "$OUT"
expect_no_output "$errors"
if [ "$LAB_ARCH" = arm64 ]; then
	for pattern in "1000000.serial: ttyS0 at MMIO 0x1000000 .* is a 16550A" "psci: PSCIv1.[0-9] detected" \
		"KVM: hypervisor services detected" "GICv3: CPU1: found redistributor" \
		"ITS@0x0*3ff[0-9a-f]*: allocated .* Devices" "arch_timer: cp15 timer\(s\) running at .*\(virt\)" \
		"Switched to clocksource arch_sys_counter" "CPU: All CPU\(s\) started at EL1" \
		"ECAM at \[mem 0x40000000-0x4fffffff\]" "rtc-pl031 .*: setting system clock to $(date -u +%Y-%m)"; do
		expect_output "$pattern"
	done
fi
[ "$LAB_ARCH" = x86 ] || exit 0
for pattern in "ttyS0 at I/O 0x3f8 .* is a 16550A" "Hypervisor detected: KVM" "kvm-clock: Using msrs" \
	"TSC deadline timer (available|enabled)" "Switched to clocksource (kvm-clock|tsc)" \
	"ACPI: PM-Timer IO Port: 0x608" "ACPI: PM: \(supports S0 S5\)" \
	"PCI: (MMCONFIG|ECAM) .*\[mem 0xe0000000-0xe00fffff\]" "Using ACPI \(MADT\) for SMP" \
	"rtc_cmos .*: setting system clock to $(date -u +%Y-%m)"; do
	expect_output "$pattern"
done
