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
	# What it prints goes out, so it runs, and takes signals.
	for _ in $(seq 1000); do
		now=$(sed -n 's/^wchar: //p' /proc/$pid/io)
		[ "${now:-0}" -lt 100000 ] || return 0
		sleep 0.05
	done
	fail "it prints nothing"
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
