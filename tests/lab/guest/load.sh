# SPDX-License-Identifier: GPL-2.0-or-later
# Disk and network at once: what blk-write (lab.disk-mib, lab.rounds times) and net (lab.mib) do, in parallel.
(
	status=0
	sh /scripts/net.sh >/tmp/net.out 2>&1 || status=$?
	echo "net: status $status" >>/tmp/net.out
) &
. /initlib.sh
echo "load: begins"
n=0
while [ $n -lt "$(lab_param lab.rounds)" ]; do
	sh /scripts/blk-write.sh || exit 1
	n=$((n + 1))
done
wait
cat /tmp/net.out
