# SPDX-License-Identifier: GPL-2.0-or-later
# Prints what a kernel says when it ends, as a user may who reads an old log, and goes on: idle, busy, idle again.
echo "[    1.234567] Kernel panic - not syncing: last week"
echo "[    1.234600] ---[ end Kernel panic - not syncing: last week ]---"
sleep 1
echo "[    9.000000] reboot: System halted"
sleep 1
i=0
while [ $i -lt 4000 ]; do
	i=$((i + 1))
done
sleep 1
echo "words: still here"
