# SPDX-License-Identifier: GPL-2.0-or-later
# lkvm list, stat, pause, resume and stop reach a guest by its name; two guests cannot have one; a killed one's is free.
# run: once
# timeout: 300
export LKVM_RUNTIME_DIR=$T/run

ticks() {
	grep -ac '^tick: ' "$T/console"
}

# shown STATE: it is the only guest, and that is its state.
shown() {
	expect_status $ST_OK lkvm list
	expect_output "^ *$vm_pid boxed +$1\$"
	expect_same "lines shown" "$(wc -l <"$OUT")" 3
	lkvm list --json >json || fail "list --json: status $?"
	expect_output '^  "boxed": \{$' json
	expect_output "^    \"pid\": $vm_pid,\$" json
	expect_output "^    \"state\": \"$1\"\$" json
}

start lkvm_run -c 2 --name boxed -p "$(guest ticks)"
wait_output "^tick: 3"
shown running

expect_status $ST_OK lkvm pause boxed
expect_output "^Guest boxed is paused"
before=$(ticks)
sleep 1
expect_same "ticks of a paused guest" "$before" "$(ticks)"
shown paused
# Once more is no error.
expect_status $ST_OK lkvm pause -n boxed
expect_status $ST_OK lkvm resume --name boxed
expect_output "^Guest boxed resumed"
left=100
until [ "$(ticks)" -gt $((before + 3)) ]; do
	[ $left -gt 0 ] || fail "$(ticks) ticks, $before before it was paused"
	left=$((left - 1))
	sleep 0.2
done
shown running

# The console alone takes an exit a character.
expect_status $ST_OK lkvm stat boxed
expect_output "^  vCPUs: +2\$"
expect_output "^  memory: +256 MiB\$"
expect_output "^  memory back end: +anonymous\$"
expect_output "^  memory populated by: +read\(2\) into the mapping\$"
first=$(sed -n 's/^  \(io\|mmio\|riscv_sbi\): *\([0-9]*\)$/\2/p' "$OUT" | sort -n | tail -n 1)
[ "${first:-0}" -gt 100 ] || fail "${first:-no} exits"
before=$(ticks)
until [ "$(ticks)" -gt $((before + 3)) ]; do sleep 0.2; done
expect_status $ST_OK lkvm stat -a
second=$(sed -n 's/^  \(io\|mmio\|riscv_sbi\): *\([0-9]*\)$/\2/p' "$OUT" | sort -n | tail -n 1)
[ "$second" -gt $((first + 20)) ] || fail "$first exits, later $second"
lkvm stat -a --json >json || fail "stat --json: status $?"
cat json
expect_output "\"pid\": $vm_pid, \"state\": \"running\"" json
expect_output '"exits": \{("[a-z0-9_]+": [0-9]+(, )?)+\}' json
expect_output '"exits_by_vcpu": \{("[a-z0-9_]+": \[[0-9]+, [0-9]+\](, )?)+\}' json

expect_status $ST_START lkvm_run --name boxed -p "$(guest hello)"
expect_output "Fatal: --name boxed: a guest of that name runs already, PID $vm_pid\$"
expect_status "$EXIT_NO_GUEST" lkvm stop another
expect_output "there is no guest 'another'"

expect_status $ST_OK lkvm stop boxed
expect_output "^Guest boxed has ended"
expect_end $ST_TERM 10
expect_same "what is left of its socket" "$(ls -A "$T/run")" ""

# As soon as it answers, which is long before its kernel has come to user space.
wait_listed() {
	left=150
	until lkvm list | grep -q "^ *$vm_pid boxed  *running\$"; do
		[ $left -gt 0 ] || fail "it is not listed"
		left=$((left - 1))
		sleep 0.2
	done
}

start lkvm_run --name boxed -p "$(guest ticks)"
wait_listed
kill -KILL "$vm_pid"
expect_end $ST_KILL
[ -S "$T/run/boxed.sock" ] || fail "a killed guest's socket is gone"
start lkvm_run --name boxed -p "$(guest ticks)"
wait_listed
expect_status $ST_OK lkvm stop --all
expect_end $ST_TERM 10
expect_status "$EXIT_NO_GUEST" lkvm stop boxed
