# SPDX-License-Identifier: GPL-2.0-or-later
# Disk and network at once: what blk-write and net do, in parallel.
(
	status=0
	sh /scripts/net.sh >/tmp/net.out 2>&1 || status=$?
	echo "net: status $status" >>/tmp/net.out
) &
echo "load: begins"
sh /scripts/blk-write.sh || exit 1
wait
cat /tmp/net.out
