# SPDX-License-Identifier: GPL-2.0-or-later
# With --reboot the same process starts the guest again, here with two CPUs, a disk and a network, on
# each transport: what one life wrote the next one finds.
# timeout: 400
PORT=$((20000 + $$ % 20000))
mkdir www
data_file www/data 4
httpd -f -p "127.0.0.1:$PORT" -h www &
for transport in pci mmio; do
	truncate -s 128M disk.img
	$LAB_TOOLS/mkfs.ext4 -q -F -E lazy_itable_init=1 disk.img || fail mkfs
	LAB_LIMIT=180
	expect_status $ST_OK lkvm_run --reboot --virtio-transport $transport -c 2 -m 512 -d disk.img -n mode=user \
		-p "$(guest lives virtio_blk,ext4,crc32c_generic,virtio_net,af_packet "lab.end=reboot lab.port=$PORT")"
	for life in 1 2 3; do
		expect_output "^life: $life on 2 CPUs"
	done
	expect_output "^made2: OK"
	expect_no_output "FAILED"
	expect_same "what was fetched in three lives" "$(sed -n 's/^got: \([0-9a-f]*\).*/\1/p' "$OUT" | sort | uniq -c | awk '{ print $1, $2 }')" \
		"3 $(sum www/data)"
	expect_status 0 $LAB_TOOLS/e2fsck -fn disk.img
	rm disk.img
done
# And without end, until somebody ends it.
start lkvm_run --reboot -p "$(guest hello "" lab.end=reboot)"
n=0
until [ "$(grep -ac "lab-guest: status 0" "$T/console")" -ge 2 ]; do
	[ -d "/proc/$vm_pid" ] || { cat "$T/console"; fail "ended instead of starting again"; }
	[ $n -lt 180 ] || { cat "$T/console"; fail "not started again in 90 s"; }
	n=$((n + 1))
	sleep 0.5
done
kill "$vm_pid"
expect_end $ST_TERM 5
