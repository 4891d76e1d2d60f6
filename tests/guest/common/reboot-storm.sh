# SPDX-License-Identifier: GPL-2.0-or-later
# Requests that come while a guest reboots, which this one always does: none may be lost.
fail() {
	echo "FAIL $*"
	tail -n 3 errors
	kill -KILL $pid
	exit 1
}

# Every reboot is told to who asks for it.
start() {
	: >errors
	"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 2 --reboot --loglevel debug "$@" >output 2>errors </dev/null &
	pid=$!
	until grep -q reboots errors; do # signals are taken by now
		[ -d /proc/$pid ] || fail "it did not start"
		sleep 0.01
	done
}

# within SECONDS WANT WHAT: lkvm ends in time, with that status. A second is the promise; twenty tell
# an end from a hang on a machine that is busy with other things.
within() {
	(sleep "$1"; kill -KILL $pid) 2>/dev/null &
	killer=$!
	wait $pid
	status=$?
	kill $killer 2>/dev/null
	[ $status = "$2" ] || fail "$3: status $status, expected $2"
}

for i in 1 2 3 4 5 6 7 8; do
	start
	kill -TERM $pid
	within 20 143 "SIGTERM"
done

# Thirty boots leave nothing behind.
start
fds=$(ls /proc/$pid/fd | wc -l)
first=$(grep -c reboots errors)
for _ in $(seq 2000); do
	[ $(($(grep -c reboots errors) - first)) -ge 30 ] && break
	sleep 0.01
done
[ $(($(grep -c reboots errors) - first)) -ge 30 ] || fail "it reboots no more"
[ "$(ls /proc/$pid/fd | wc -l)" -le "$fds" ] || fail "descriptors: $(ls -l /proc/$pid/fd)"
kill -TERM $pid
within 20 143 "SIGTERM after thirty boots"

for i in 1 2 3; do
	start --timeout 1
	within 20 245 "--timeout"
done

# uptime: in hundredths of a second. Not every date(1) knows of less than seconds.
uptime() {
	sed 's/ .*//; s/\.//' /proc/uptime
}

# Beside a hundred that may come at once there are twenty a second at most, however quick the host is.
begin=$(uptime)
start
until [ "$(grep -c reboots errors)" -ge 115 ]; do sleep 0.05; done
boots=$(grep -c reboots errors)
[ $(($(uptime) - begin)) -ge $(((boots - 102) * 5)) ] || fail "it does not rest between its boots: $boots of them"
kill -TERM $pid
within 20 143 "SIGTERM between two boots"

# Nor does it fill a log.
start --loglevel info
until grep -q "further reboots" errors; do sleep 0.01; done
sleep 0.1
kill -TERM $pid
within 20 143 "SIGTERM to a guest of few words"
[ "$(grep -c reboots errors)" = 9 ] || fail "lines about its reboots: $(grep -c reboots errors)"

# A guest that is paused in the middle of a reboot stays so, until it is told to go on.
for i in 1 2 3 4; do
	start
	kill -USR1 $pid
	until grep -q "is paused" errors; do sleep 0.01; done
	before=$(grep -c reboots errors)
	sleep 0.1
	[ "$(grep -c reboots errors)" = "$before" ] || fail "a paused guest reboots"
	kill -USR2 $pid
	for _ in $(seq 1000); do
		[ "$(grep -c reboots errors)" -gt "$before" ] && break
		sleep 0.01
	done
	[ "$(grep -c reboots errors)" -gt "$before" ] || fail "a resumed guest does not go on"
	kill -TERM $pid
	within 20 143 "SIGTERM after a pause"
done
exit 0
