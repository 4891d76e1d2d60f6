# SPDX-License-Identifier: GPL-2.0-or-later
# However much a guest prints, and however fast it is read, lkvm hears what it is told.
fail() {
	echo "FAIL $*"
	exit 1
}

# within SECONDS WANT WHAT: lkvm ends in time, with that status. A second is the promise; six tell an
# end from a hang on a machine that is busy with other things.
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
	sleep 0.3
}

for i in 1 2; do
	start
	kill -USR1 $pid
	sleep 0.4
	grep -q paused errors || fail "no pause within 400 ms"
	kill -USR2 $pid
	kill -TERM $pid
	within 6 143 "SIGTERM"
done
start --timeout 1
within 6 245 "--timeout"
