# SPDX-License-Identifier: GPL-2.0-or-later
# However much a guest prints, and however fast it is read, lkvm hears what it is told.
fail() {
	echo "FAIL $*"
	exit 1
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

start() {
	"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --console virtio "$@" 2>errors </dev/null >/dev/null &
	pid=$!
	# A signal that comes before a thread waits for it would end it: SIGUSR1, bit 9, is blocked then.
	for _ in $(seq 100); do
		blocked=$(sed -n 's/^SigBlk:[^0-9a-f]*//p' /proc/$pid/status)
		[ $((0x$blocked & 0x200)) = 0 ] || break
		sleep 0.1
	done
	sleep 0.3
}

paused() {
	for _ in $(seq 100); do
		! grep -q paused errors || return 0
		sleep 0.1
	done
	fail "no pause within 10 s"
}

for i in 1 2; do
	start
	kill -USR1 $pid
	paused
	kill -USR2 $pid
	kill -TERM $pid
	within 20 143 "SIGTERM"
done
start --timeout 1
within 20 245 "--timeout"
