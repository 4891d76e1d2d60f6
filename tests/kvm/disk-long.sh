# SPDX-License-Identifier: GPL-2.0-or-later
# Whatever a guest has queued for its disk, its operator does not wait for it: nothing here takes as long as 31 GiB.
fail() {
	echo "FAIL $*"
	cat errors
	exit 1
}

export LKVM_RUNTIME_DIR=$PWD/run
mkdir -m 700 run
mkfifo input
truncate -s 256M disk

start() {
	: >output
	"$LKVM" run --nodefaults -k "$GUEST" -m 512 -c 1 --name long --disk disk >output 2>errors <input &
	pid=$!
	exec 3>input
	until grep -q queued output; do
		[ -d /proc/$pid ] || fail "it did not start"
		sleep 0.01
	done
}

# ended STATUS
ended() {
	wait $pid
	status=$?
	[ $status = "$1" ] || fail "status $status, expected $1"
	! grep -q "did not come to an end\|not everything" errors || fail "it was not waited for"
}

start
"$LKVM" pause long || fail "pause"
"$LKVM" stat long --json | grep -q '"state": *"paused"' || fail "not paused"
"$LKVM" resume long || fail "resume"
"$LKVM" stat long --json | grep -q '"state": *"running"' || fail "not running"
"$LKVM" stop long >stop 2>&1 || fail "stop: $(cat stop)"
[ "$(cat stop)" = "Guest long has ended" ] || fail "stop: $(cat stop)"
ended 143

start
"$LKVM" pause long || fail "pause"
echo >&3
"$LKVM" resume long || fail "resume"
ended 0
! grep -q "all done" output || fail "the pause waited for all of them"
exit 0
