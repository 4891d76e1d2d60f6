# SPDX-License-Identifier: GPL-2.0-or-later
# A folder by virtio-fs in two lives of a guest: what is in it is read, written under pauses of the guest, and read again after
# a reboot; then its back end dies, and everything else goes on.
set -e
mkdir -p /mnt
mount -t virtiofs "$(sed -n 's/.*lab.tag=\([^ ]*\).*/\1/p' /proc/cmdline)" /mnt
cd /mnt
echo "got: $(md5sum <data | cut -d ' ' -f 1)"
if [ ! -e made ]; then
	echo "life: 1"
	n=0
	until [ -e enough ]; do
		dd if=data of="copy$((n % 4))" bs=65536 2>/dev/null
		cmp data "copy$((n % 4))"
		n=$((n + 1))
		echo "round $n"
	done
	head -c 3000001 /dev/urandom >made
	echo "made: $(md5sum <made | cut -d ' ' -f 1)"
	awk '/virtio.*requests/ { n += $2 + $3 } END { print "interrupts: " n }' /proc/interrupts
	sync
	reboot -f
fi
echo "life: 2"
cmp data copy0
echo "again: $(md5sum <made | cut -d ' ' -f 1)"
cd /
read -r _
echo "random: $(head -c 64 /dev/hwrng | wc -c)"
# Nothing that would ask the folder for anything.
poweroff -nf
