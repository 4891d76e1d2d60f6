# SPDX-License-Identifier: GPL-2.0-or-later
# The real-time clock: its time, the kernel's own that was set from it, and an alarm two seconds later
# that has to interrupt.
rtc=/sys/class/rtc/rtc0
irqs() { awk '/rtc/ { print $2 + $3 }' /proc/interrupts; }
echo "rtc: $(cat $rtc/name) hctosys $(cat $rtc/hctosys) is at $(cat $rtc/since_epoch), Linux at $(date +%s)"
before=$(irqs)
# Of a clock that cannot wake a machine Linux lets nobody ask it here.
if ! { echo +2 >$rtc/wakealarm; } 2>/dev/null; then
	echo "rtc: no wakealarm"
	exit 0
fi
for i in 1 2 3 4 5 6 7 8 9 10; do
	sleep 1
	[ "$(irqs)" = "$before" ] || {
		echo "rtc: alarm"
		exit 0
	}
done
echo "rtc: no alarm in 10 seconds"
exit 1
