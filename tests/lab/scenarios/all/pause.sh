# SPDX-License-Identifier: GPL-2.0-or-later
# Paused and resumed again and again under disk and network load: nothing is lost.
# timeout: 400
truncate -s 512M disk.img
$LAB_TOOLS/mkfs.ext4 -q -E lazy_itable_init=1 disk.img || fail mkfs
# What is typed at the guest; a line ends its load.
mkfifo keys
exec 3<>keys
LAB_INPUT=keys
net_serve 127.0.0.1 "$(mib 16)"
LAB_LIMIT=380
start lkvm_run -c 2 -m 512 -d disk.img -n mode=user,loopback=on \
	-p "$(guest load virtio_blk,ext4,crc32c_generic,virtio_net,af_packet "lab.net=dhcp $NET_WORDS lab.disk-mib=$(mib 64)")"
wait_output "load: begins"
# What the process has used of the CPU, in ticks: some hundred a second when the guest runs, next to none when
# it is paused. An emulated host that was not run for a while counts some too many.
ticks() {
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$vm_pid/stat"
}
n=0
# seen WORDS: lkvm says so once more.
seen() {
	until [ "$(grep -c "$1" "$T/console")" -gt $n ]; do
		[ -d "/proc/$vm_pid" ] || fail "the load was over after $n pauses"
		sleep 0.1
	done
}
while [ $n -lt 6 ]; do
	sleep 0.5
	kill -USR1 "$vm_pid"
	seen "is paused"
	before=$(ticks)
	sleep 1
	used=$(($(ticks) - before))
	[ $used -le 20 ] || fail "a paused guest used $used ticks of CPU"
	kill -USR2 "$vm_pid"
	seen "Guest .* resumed"
	n=$((n + 1))
done
echo >&3
expect_end $ST_OK 300
cp "$T/console" "$OUT"
expect_output "lab-guest: status 0"
expect_output "net: status 0"
net_compare
wrote=$(sed -n 's/^sum: \([0-9a-f]*\).*/\1/p' "$OUT" | tail -n 1)
$LAB_TOOLS/e2fsck -fn disk.img || fail "the file system is damaged"
$LAB_TOOLS/debugfs -R "dump /data $T/data" disk.img
expect_same "what the guest wrote and what is in the image" "$wrote" "$(sum "$T/data")"
