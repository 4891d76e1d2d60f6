# SPDX-License-Identifier: GPL-2.0-or-later
# A disk's requests stay out of the VMM's exits: kicks come by ioeventfd, interrupts go by irqfd. Seen
# in the system calls that lkvm makes while its guest reads.
trace=/sys/kernel/tracing
[ -d $trace/events ] || mount -t tracefs trace $trace 2>/dev/null || skip "no tracefs"
[ -d $trace/events/raw_syscalls ] || skip "the host's kernel does not trace system calls"
# The number of ioctl(2).
case $LAB_ARCH in x86) nr=16 ;; *) nr=29 ;; esac
truncate -s 16M disk.img
# A line typed at the guest lets it begin, and another one end.
mkfifo keys
exec 3<>keys
LAB_INPUT=keys
for transport in pci mmio; do
	start lkvm_run --virtio-transport $transport -d disk.img -p "$(guest many-reads virtio_blk)"
	wait_output "^reads: begin"
	echo 1 >$trace/options/event-fork
	ls "/proc/$vm_pid/task" >$trace/set_event_pid
	# ioctl(2)
	echo "id == $nr" >$trace/events/raw_syscalls/sys_enter/filter
	echo 8192 >$trace/buffer_size_kb
	echo >$trace/trace
	echo 1 >$trace/events/raw_syscalls/sys_enter/enable
	echo >&3
	wait_output "^reads: end"
	echo 0 >$trace/events/raw_syscalls/sys_enter/enable
	echo >&3
	grep "NR $nr " $trace/trace >calls || :
	expect_end $ST_OK
	# KVM_RUN; KVM_IRQ_LINE, KVM_IRQ_LINE_STATUS, KVM_SIGNAL_MSI
	runs=$(grep -c "NR $nr ([0-9a-f]*, ae80," calls)
	lines=$(grep -c -E "NR $nr \([0-9a-f]*, (4008ae61|c008ae67|4020aea5)," calls)
	note "$transport: 2000 requests, $runs exits, $lines interrupts by a system call"
	[ "$runs" -gt 0 ] || fail "nothing was traced"
	case $transport in
	pci)
		[ "$runs" -lt 500 ] || fail "$runs exits for 2000 requests"
		[ "$lines" -lt 50 ] || fail "$lines interrupts by a system call"
		;;
	mmio)
		# Each interrupt's status is read and acknowledged; a kick would be a third exit.
		[ "$runs" -lt 5000 ] || fail "$runs exits for 2000 requests"
		;;
	esac
done
