# SPDX-License-Identifier: GPL-2.0-or-later
# Files made, synced, renamed and removed without end: whoever started it pulls the plug.
mount -t ext4 /dev/vda /mnt || exit 1
head -c 3000000 /dev/urandom >/tmp/pool
n=1
while :; do
	cp /tmp/pool "/mnt/synced$n"
	echo "$n" >>"/mnt/synced$n"
	sync
	echo "sum $n $(md5sum <"/mnt/synced$n" | cut -d ' ' -f 1)"
	echo "round $n"
	i=0
	while [ $i -lt 40 ]; do
		head -c $((i * 5000 + 1)) /tmp/pool >/mnt/f$i
		mv /mnt/f$i /mnt/g$((i % 7)).$i
		[ $((i % 3)) != 0 ] || rm -f /mnt/g$((i % 7)).$i
		i=$((i + 1))
	done
	n=$((n + 1))
done
