# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels that are told to leave an interrupt controller or a clock alone find others, and user space is heard (noapic:
# disks without messages, too). One that suspends to idle is woken by the clock's alarm.
kernel stock
data_file disk.img 4
for words in nosmp "noapic pci=nomsi" "no-kvmclock nolapic"; do
	expect_status $ST_OK lkvm_run -c 2 -d disk.img -p "$(guest blk-sum virtio_blk "$words")"
	expect_output "^sum: $(sum disk.img)"
	expect_output "lab-guest: status 0"
	expect_no_output "nobody cared|spurious"
done
expect_status $ST_OK lkvm_run -c 2 -p "$(guest sleep)"
expect_output "^sleep: .*; mem: \[s2idle\]"
expect_output "^sleep: back from freeze"
expect_output "^sleep: back from mem"
expect_output "lab-guest: status 0"

# The power button is a key to the guest, which shuts down by itself.
export LKVM_RUNTIME_DIR=$T/run
start lkvm_run --name pressed -p "$(guest button button,evdev)"
wait_output "^button: listening"
expect_status $ST_OK lkvm stop --ask pressed
expect_output "^Guest pressed has ended"
expect_end $ST_OK
expect_output "^button: Power Button" "$T/console"
expect_output "^button: event 1 116 1" "$T/console"
start lkvm_run --name deaf -p "$(guest ticks)"
wait_output "^tick: 1"
expect_status "$EXIT_NO_ANSWER" lkvm stop --ask deaf
expect_output "guest deaf: nothing in it listens to its power button"
expect_status $ST_OK lkvm stop deaf
expect_end $ST_TERM
