# SPDX-License-Identifier: GPL-2.0-or-later
# What a boot costs in exits: ports, memory that is not RAM, and MSRs, but for the timer's, whose number is a matter of
# time. Bounds are a little above what was counted; what saves accesses saves more than that.
trace=/sys/kernel/tracing
[ -d $trace/events ] || mount -t tracefs trace $trace 2>/dev/null || skip "no tracefs"
[ -d $trace/events/kvm ] || skip "the host's kernel does not trace KVM"
kernel stock "$LAB_IMAGE"
events="kvm_pio kvm_mmio kvm_msr"
tracing() {
	for event in $events; do
		echo "$1" >$trace/events/kvm/$event/enable
	done
}
echo 1 >$trace/options/event-fork
echo $$ >$trace/set_event_pid
echo 8192 >$trace/buffer_size_kb
echo >$trace/trace
tracing 1
expect_status $ST_OK lkvm_run -p "$(guest hello)"
tracing 0
echo >$trace/set_event_pid
expect_output "lab-guest: status 0"
# An access that KVM leaves to lkvm has a second line.
grep -v -e "mmio unsatisfied-read" -e "msr_write 6e0" -e "msr_write 80b" $trace/trace >accesses

# bound MAX PATTERN WHAT: so many accesses at most, and any at all.
bound() {
	local nr
	nr=$(grep -cE -e "$2" accesses)
	note "$3: $nr"
	[ "$nr" -gt 0 ] || fail "$3: nothing was traced"
	[ "$nr" -le "$1" ] || fail "$3: $nr, more than $1"
}
# Linux clears all pins when it begins and when it ends, but for those that are said to deliver SMIs.
bound 620 "mmio .* gpa 0xfec000[01]0 " "the I/O APIC"
# Each machine-check bank has registers of its own.
bound 15 "msr_(read|write) 4[0-7][0-9a-f] " "machine-check banks"
# Places of PCI's bus are searched no more often than they must be, and conventional functions no further.
bound 150 "pio_write at 0xcf8 " "PCI's places"
bound 2 "mmio .* gpa 0xe0000100 " "PCI's extended space"
bound 1720 "kvm_(pio|mmio|msr): " "all"
