# SPDX-License-Identifier: GPL-2.0-or-later
# Suspends to idle by each name that Linux has for it, until the clock's alarm two seconds later.
rtc=/sys/class/rtc/rtc0
echo "sleep: $(cat /sys/power/state); mem: $(cat /sys/power/mem_sleep)"
for state in freeze mem; do
	echo +2 >$rtc/wakealarm || exit
	echo $state >/sys/power/state || exit
	echo "sleep: back from $state"
done
