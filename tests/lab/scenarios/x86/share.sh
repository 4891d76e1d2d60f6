# SPDX-License-Identifier: GPL-2.0-or-later
# A folder that lkvm itself serves: used, paused under load, rebooted, its process killed.
# run: once
# kernel: backport
# timeout: 300
kernel backport
mkdir shared
data_file shared/data 4
# Words that cannot work.
expect_status $ST_START lkvm_run --fs nowhere,tag=host -p "$(guest hello)"
expect_output "Fatal: --fs nowhere: No such file or directory"
mkfifo keys
exec 3<>keys
LAB_INPUT=keys
LAB_LIMIT=280
start lkvm_run --name shared -c 2 --reboot --rng --fs shared,tag=host -p "$(guest vhost-fs virtiofs,virtio_rng lab.tag=host)"
wait_output "^round 1"
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
wait_output "^again:"
cp "$T/console" "$OUT"
expect_same "host to guest" "$(sum shared/data)" "$(sed -n 's/^got: \([0-9a-f]*\).*/\1/p' "$OUT" | sort -u)"
expect_same "guest to host" "$(sum shared/made)" "$(sed -n 's/^made: \([0-9a-f]*\).*/\1/p' "$OUT")"
expect_same "after a reboot" "$(sum shared/made)" "$(sed -n 's/^again: \([0-9a-f]*\).*/\1/p' "$OUT")"
expect_status $ST_OK lkvm stat shared
expect_output "root is folder: +yes"
helper=$(pidof lkvm-share)
kill -KILL "$helper"
wait_output "virtio-fs0: its back end \(its own process\) is lost: it has ended; "
echo >&3
expect_end $ST_OK 60
cp "$T/console" "$OUT"
expect_output "^random: 64"
expect_same "lines about it" 1 "$(grep -c 'its back end' "$OUT")"
