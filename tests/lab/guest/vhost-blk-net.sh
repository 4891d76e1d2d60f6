# SPDX-License-Identifier: GPL-2.0-or-later
# A disk and a network card, each served by another process: blocks are written and read back until a line comes in on the
# console, and a file is fetched, then and before.
set -e
. /initlib.sh
exec 3<&0
ip link set eth0 up
udhcpc -i eth0 -n -q -t 10 -s /scripts/udhcpc.sh
gate=$(ip route | awk '/^default/ { print $3 }')
fetch() {
	wget -q -O /tmp/got "http://$gate:$(lab_param lab.port)/data"
	echo "$1: $(md5sum </tmp/got | cut -d ' ' -f 1)"
}
fetch first
head -c 1048576 /dev/urandom >/tmp/block
echo "vda: $(cat /sys/block/vda/size) sectors, cache $(cat /sys/block/vda/queue/write_cache)"
dmesg -n 7
(read -r _ && : >/tmp/enough) <&3 &
n=0
until [ -e /tmp/enough ]; do
	dd if=/tmp/block of=/dev/vda bs=1048576 seek=$((n % 32)) oflag=direct 2>/dev/null
	dd if=/dev/vda of=/tmp/back bs=1048576 skip=$((n % 32)) count=1 iflag=direct 2>/dev/null
	cmp /tmp/block /tmp/back
	n=$((n + 1))
	echo "round $n"
done
sync
echo "vda: $(cat /sys/block/vda/size) sectors"
echo "block: $(md5sum </tmp/block | cut -d ' ' -f 1)"
fetch again
