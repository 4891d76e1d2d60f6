# SPDX-License-Identifier: GPL-2.0-or-later
# virtiofsd serves a folder, by vhost-user: used, paused under load, rebooted, and killed.
# run: once
# kernel: backport
# timeout: 300
kernel backport
mkdir shared
data_file shared/data 4
# back_end: on the socket fs.sock; ends with its connection.
back_end() {
	rm -f fs.sock
	"$LAB_BACK_ENDS/virtiofsd" --socket-path fs.sock --shared-dir shared --sandbox none \
		--inode-file-handles=never --log-level warn >virtiofsd.log 2>&1 &
	back_end_pid=$!
	until [ -S fs.sock ]; do
		[ -d "/proc/$back_end_pid" ] || fail "virtiofsd: $(cat virtiofsd.log)"
		sleep 0.1
	done
}
# Words that cannot work.
expect_status $ST_START lkvm_run --fs socket=nowhere,tag=host -p "$(guest hello)"
expect_output "Fatal: --fs socket=nowhere: No such file or directory: start the program that listens there first"
back_end
expect_status $ST_START lkvm_run --fs socket=fs.sock,tag=host,queues=9 -p "$(guest hello)"
expect_output "Fatal: --fs socket=fs.sock: the back end cannot be used: it serves [0-9]+ queues, and this takes 10"
# Without MSI-X that thread raises them.
back_end
expect_status $ST_OK lkvm_run --virtio-transport mmio --fs socket=fs.sock,tag=host -p "$(guest vhost-fs-once virtiofs lab.tag=host)"
expect_output "^got: $(sum shared/data)"
expect_output "lab-guest: status 0"
back_end
mkfifo keys
exec 3<>keys
LAB_INPUT=keys
LAB_LIMIT=280
start lkvm_run -c 2 --reboot --rng --fs socket=fs.sock,tag=host -p "$(guest vhost-fs virtiofs,virtio_rng lab.tag=host)"
wait_output "^round 1"
# turns: how often lkvm's thread for the device began to sleep.
turns() {
	local task
	for task in /proc/$vm_pid/task/*; do
		[ "$(cat "$task/comm")" != virtio-fs ] || sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' "$task/status"
	done
}
before=$(turns)
n=0
while [ $n -lt 4 ]; do
	kill -USR1 "$vm_pid"
	n=$((n + 1))
	until [ "$(grep -c "is paused" "$T/console")" = $n ]; do sleep 0.1; done
	kill -USR2 "$vm_pid"
	until [ "$(grep -c "Guest .* resumed" "$T/console")" = $n ]; do sleep 0.1; done
	sleep 0.3
done
touch shared/enough
wait_output "^interrupts: "
used=$(($(turns) - before))
wait_output "^again:"
cp "$T/console" "$OUT"
# Those of a queue are the kernel's business alone, except for some around a pause.
came=$(sed -n 's/^interrupts: \([0-9]*\).*/\1/p' "$OUT")
note "$came interrupts, $used turns"
[ "$came" -gt 300 ] && [ "$used" -lt 60 ] || fail "$came interrupts took $used turns of lkvm's thread"
expect_same "host to guest" "$(sum shared/data)" "$(sed -n 's/^got: \([0-9a-f]*\).*/\1/p' "$OUT" | sort -u)"
expect_same "guest to host" "$(sum shared/made)" "$(sed -n 's/^made: \([0-9a-f]*\).*/\1/p' "$OUT")"
expect_same "after a reboot" "$(sum shared/made)" "$(sed -n 's/^again: \([0-9a-f]*\).*/\1/p' "$OUT")"
kill -KILL $back_end_pid
wait_output "virtio-fs0: its back end \(fs.sock\) is lost: it has ended; "
echo >&3
expect_end $ST_OK 60
cp "$T/console" "$OUT"
expect_output "^random: 64"
expect_same "lines about it" 1 "$(grep -c 'its back end' "$OUT")"
# One that hangs keeps lkvm from nothing.
back_end
start lkvm_run --rng --fs socket=fs.sock,tag=host -p "$(guest vhost-fs virtiofs,virtio_rng lab.tag=host)"
wait_output "^again:"
kill -STOP $back_end_pid
kill -TERM "$vm_pid"
expect_end $ST_TERM 20
kill -KILL $back_end_pid
