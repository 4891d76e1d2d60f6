# SPDX-License-Identifier: GPL-2.0-or-later
# qemu-storage-daemon serves a disk and passt a network card, by vhost-user: paused under load, killed and started again.
# run: once
# kernel: backport
# timeout: 300
need_root
kernel backport
truncate -s 32M disk.img
PORT=$((20000 + $$ % 20000))
mkdir www
data_file www/data 4
httpd -f -p "127.0.0.1:$PORT" -h www &

disk_back_end() {
	rm -f disk.sock
	"$LAB_BACK_ENDS/qemu-storage-daemon" --blockdev driver=file,node-name=disk,filename=disk.img \
		--chardev "socket,id=monitor,host=127.0.0.1,port=$((PORT + 1)),server=on,wait=off" --monitor chardev=monitor \
		--export type=vhost-user-blk,id=export,node-name=disk,addr.type=unix,addr.path=disk.sock,writable=on,num-queues=2 \
		>disk.log 2>&1 &
	disk_pid=$!
	until [ -S disk.sock ]; do
		[ -d "/proc/$disk_pid" ] || fail "qemu-storage-daemon: $(cat disk.log)"
		sleep 0.1
	done
}
# It goes into an empty root of its own, for which the one before must be a file system that was mounted, as the first one is
# not: so one is put over it, in a namespace. Not by a place in this scenario's folder, which is emptied.
mkdir -p /passt-root
net_back_end() {
	rm -f net.sock
	# shellcheck disable=SC2016 # for the shell in there
	unshare -m sh -c 'mount --rbind / /passt-root && cd /passt-root && mount --move . / && exec chroot . "$@"' sh \
		"$LAB_BACK_ENDS/passt" -f --vhost-user -s "$T/net.sock" --runas 0 >net.log 2>&1 &
	net_pid=$!
	# The socket is there before it listens.
	until grep -q " 00010000 .*$T/net.sock" /proc/net/unix; do
		[ -d "/proc/$net_pid" ] || fail "passt: $(cat net.log)"
		sleep 0.1
	done
}
# rounds N: so many more.
rounds() {
	local seen
	seen=$(grep -c ^round "$T/console")
	until [ "$(grep -c ^round "$T/console")" -ge $((seen + $1)) ]; do
		[ -d "/proc/$vm_pid" ] || { cat "$T/console"; fail "it has ended"; }
		sleep 0.1
	done
}
ip link set lo up
disk_back_end
net_back_end
mkfifo keys
exec 3<>keys
LAB_INPUT=keys
LAB_LIMIT=280
start lkvm_run -c 2 -d vhost-user=disk.sock -n mode=vhost-user,socket=net.sock \
	-p "$(guest vhost-blk-net virtio_blk,virtio_net,af_packet lab.port=$PORT)"
wait_output "^round 3"
for n in 1 2 3; do
	kill -USR1 "$vm_pid"
	until [ "$(grep -c "is paused" "$T/console")" = $n ]; do sleep 0.1; done
	kill -USR2 "$vm_pid"
	rounds 1
done
kill -KILL $disk_pid
wait_output "virtio-blk0: its back end \(disk.sock\) is lost: .*; requests wait"
disk_back_end
wait_output "virtio-blk0: its back end \(disk.sock\) is there again"
rounds 3
kill -KILL $net_pid
wait_output "virtio-net0: its back end \(net.sock\) is lost: .*; requests wait"
net_back_end
wait_output "virtio-net0: its back end \(net.sock\) is there again"
# The disk grows, and the guest hears of it.
printf '%s' '{"execute": "qmp_capabilities"}' \
	'{"execute": "block_resize", "arguments": {"node-name": "disk", "size": 67108864}}' >qmp
# Its input stays open, or it would end before the answer came.
mkfifo qmp-open
exec 4<>qmp-open
nc 127.0.0.1 $((PORT + 1)) <&4 >qmp-answers &
cat qmp >&4
wait_output "vda: detected capacity change from 65536 to 131072|vda.*new size: 131072"
echo >&3
expect_end $ST_OK 120
cp "$T/console" "$OUT"
expect_output "lab-guest: status 0"
expect_output "^vda: 131072 sectors"
expect_output "^vda: 65536 sectors, cache write (back|through)"
for when in first again; do
	expect_same "$when fetched" "$(sum www/data)" "$(sed -n "s/^$when: \([0-9a-f]*\).*/\1/p" "$OUT")"
done
expect_same "the last block" "$(sed -n 's/^block: \([0-9a-f]*\).*/\1/p' "$OUT")" \
	"$(dd if=disk.img bs=1048576 count=1 2>/dev/null | md5sum | cut -d ' ' -f 1)"
