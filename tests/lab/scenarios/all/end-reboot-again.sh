# SPDX-License-Identifier: GPL-2.0-or-later
# With --reboot the same process starts the guest again, here with two CPUs, a disk and a network, on
# each transport: what one life wrote the next one finds.
# timeout: 400
PORT=$((20000 + $$ % 20000))
mkdir www
data_file www/data 4
httpd -f -p "127.0.0.1:$PORT" -h www &

# lives TRANSPORT N: such a guest's words, after a new disk was made for it.
lives() {
	truncate -s 128M $1.img
	$LAB_TOOLS/mkfs.ext4 -q -F -E lazy_itable_init=1 $1.img || fail mkfs
	LAB_LIMIT=180
	set -- "$1" "$(guest lives virtio_blk,ext4,crc32c_generic,virtio_net,af_packet "lab.end=reboot lab.port=$PORT lab.lives=$2")"
	LAB_ARGS="--reboot --virtio-transport $1 -c 2 -m 512 -d $1.img -n mode=user,loopback=on"
	LAB_WORDS=$2
}

# lived N: so many lives, each of which fetched the file.
lived() {
	local life=1
	while [ $life -le "$1" ]; do
		expect_output "^life: $life on 2 CPUs"
		life=$((life + 1))
	done
	expect_output "^made$(($1 - 1)): OK"
	expect_no_output "FAILED"
	expect_same "what was fetched in $1 lives" "$1 $(sum www/data)" \
		"$(sed -n 's/^got: \([0-9a-f]*\).*/\1/p' "$OUT" | head -n "$1" | sort | uniq -c | awk '{ print $1, $2 }')"
}

lives pci 2
# shellcheck disable=SC2086 # words
expect_status $ST_OK lkvm_run $LAB_ARGS -p "$LAB_WORDS"
lived 2
expect_status 0 $LAB_TOOLS/e2fsck -fn pci.img

# And without end, until somebody ends it.
lives mmio 1000
# shellcheck disable=SC2086
start lkvm_run $LAB_ARGS -p "$LAB_WORDS"
n=0
until [ "$(grep -ac "^got: " "$T/console")" -ge 2 ]; do
	[ -d "/proc/$vm_pid" ] || { cat "$T/console"; fail "ended instead of starting again"; }
	[ $n -lt 360 ] || { cat "$T/console"; fail "not started again in 180 s"; }
	n=$((n + 1))
	sleep 0.5
done
kill "$vm_pid"
expect_end $ST_TERM 5
cp "$T/console" "$OUT"
lived 2
