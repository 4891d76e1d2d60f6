# SPDX-License-Identifier: GPL-2.0-or-later
# A folder's interrupts, which its own process raises, come by KVM alone: messages of this architecture's kind.
# timeout: 300
mkdir shared
data_file shared/data 4
LAB_LIMIT=280
start lkvm_run -c 2 --rng --fs shared,tag=host -p "$(guest vhost-fs virtiofs,virtio_rng lab.tag=host)"
wait_output "^round 1"
# turns: how often lkvm's thread for the device began to sleep.
turns() {
	local task
	for task in /proc/$vm_pid/task/*; do
		[ "$(cat "$task/comm")" != virtio-fs ] || sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "$task/status"
	done
}
before=$(turns)
wait_output "^round 4"
used=$(($(turns) - before))
touch shared/enough
wait_output "^interrupts: "
came=$(sed -n 's/^interrupts: \([0-9]*\).*/\1/p' "$T/console")
note "$came interrupts, $used turns"
[ "$came" -gt 100 ] && [ "$used" -lt 10 ] || fail "$came interrupts took $used turns of lkvm's thread"
expect_end $ST_OK 60
expect_same "host to guest" "$(sum shared/data)" "$(sed -n 's/^got: \([0-9a-f]*\).*/\1/p' "$T/console" | sort -u)"
expect_same "guest to host" "$(sum shared/made)" "$(sed -n 's/^made: \([0-9a-f]*\).*/\1/p' "$T/console")"
