# SPDX-License-Identifier: GPL-2.0-or-later
# Disk and network at once: what blk-write (lab.disk-mib) and net (lab.mib) do, in parallel; the first one again and again
# until a line comes in on the console.
(
	status=0
	sh /scripts/net.sh >/tmp/net.out 2>&1 || status=$?
	echo "net: status $status" >>/tmp/net.out
) &
. /initlib.sh
exec 3<&0
echo "load: begins"
(read -r _ && : >/tmp/enough) <&3 &
until [ -e /tmp/enough ]; do
	sh /scripts/blk-write.sh || exit 1
done
wait
cat /tmp/net.out
