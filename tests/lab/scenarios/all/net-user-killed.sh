# SPDX-License-Identifier: GPL-2.0-or-later
# The process that runs libslirp is killed under load: the guest's link goes down, comes up, and works again.
# run: once
# timeout: 240
net_serve 127.0.0.1 "$(mib 16)"
start lkvm_run -n mode=user,loopback=on -p "$(guest net-again virtio_net,af_packet "$NET_WORDS")"
wait_output "^load: begins"
killed=0
for process in /proc/[0-9]*; do
	[ "$(cat "$process/comm" 2>/dev/null)" != lkvm-net ] || {
		kill -KILL "${process#/proc/}"
		killed=$((killed + 1))
	}
done
expect_same "helpers" 1 $killed
expect_end $ST_OK 60
cp "$T/console" "$OUT"
expect_output "the helper was ended by signal 9"
expect_output "^link: down"
expect_output "^link: up"
for when in first again; do
	expect_same "$when fetched" "$(sum www/data)" "$(sed -n "s/^$when: \([0-9a-f]*\).*/\1/p" "$OUT")"
done
# Nothing of it is left.
! grep -qs lkvm /proc/[0-9]*/comm || fail "still there: $(cat /proc/[0-9]*/comm | grep lkvm)"
