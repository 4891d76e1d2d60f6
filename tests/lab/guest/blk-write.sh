# SPDX-License-Identifier: GPL-2.0-or-later
# lab.disk-mib MiB (256) on /dev/vda's ext4 in 4 MiB pieces, then 200 small pieces at random places over
# them, flushed, and read back after a remount.
set -e
. /initlib.sh
mib=$(lab_param lab.disk-mib)
mib=${mib:-256}
mount -t ext4 /dev/vda /mnt
head -c 4194304 /dev/urandom >/tmp/pool
i=0
while [ $i -lt $((mib / 4)) ]; do
	printf '%08d' $i
	tail -c +9 /tmp/pool
	i=$((i + 1))
done >/mnt/data
sync
i=0
at=12345
while [ $i -lt 200 ]; do
	at=$(((at * 1103515245 + 12345) % 2147483648))
	dd if=/tmp/pool of=/mnt/data bs=4096 count=3 skip=$((at % 1000)) seek=$((at % (mib * 256 - 36))) conv=notrunc 2>/dev/null
	i=$((i + 1))
done
before=$(md5sum </mnt/data)
sync
umount /mnt
echo 3 >/proc/sys/vm/drop_caches
mount -t ext4 /dev/vda /mnt
after=$(md5sum </mnt/data)
umount /mnt
[ "$before" = "$after" ]
echo "sum: ${after%% *}"
