# SPDX-License-Identifier: GPL-2.0-or-later
# The threads of the guest's CPUs run where --vcpu-affinity says, and no other thread is bound.
# run: once
# allowed THREAD: the CPUs it may use.
allowed() {
	local comm
	for comm in /proc/"$vm_pid"/task/*/comm; do
		[ "$(cat "$comm")" != "$1" ] || awk '/^Cpus_allowed_list/ { print $2 }' "${comm%comm}status"
	done
}
all=$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)
[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"
start lkvm_run -c 3 --vcpu-affinity 1 --vcpu-affinity 0 -p "$(guest hello "" lab.end=hang)"
wait_output "lab-guest: status 0"
expect_same "vCPU 0's" "$(allowed vcpu0)" 1
expect_same "vCPU 1's" "$(allowed vcpu1)" 0
expect_same "vCPU 2's" "$(allowed vcpu2)" 0
expect_same "the main thread's" "$(allowed lkvm)" "$all"
kill "$vm_pid"
expect_end $ST_TERM 10
expect_status $ST_START lkvm_run --vcpu-affinity 0-1000 -p "$(guest hello)"
expect_output "Fatal: --vcpu-affinity: CPU [0-9]+ of this host is not there"
