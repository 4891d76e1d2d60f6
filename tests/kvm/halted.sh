# SPDX-License-Identifier: GPL-2.0-or-later
# A halted guest hears what its operator asks for.
pid=
trap '[ -z "$pid" ] || kill -KILL $pid 2>/dev/null' EXIT

fail() {
	echo "FAIL $*"
	exit 1
}

# until_it COMMAND...
until_it() {
	for _ in $(seq 2000); do
		! "$@" 2>/dev/null || return 0
		sleep 0.01
	done
	fail "never: $*"
}

state() {
	"$LKVM" stat --name halted --json | grep -q "\"state\": *\"$1\""
}

export LKVM_RUNTIME_DIR=$PWD/run
mkdir -m 700 run
"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 2 --name halted >output 2>errors </dev/null &
pid=$!
until_it grep -q halted output
"$LKVM" pause --name halted || fail "pause"
until_it state paused
"$LKVM" resume --name halted || fail "resume"
until_it state running
"$LKVM" stop --name halted || fail "stop"
wait $pid
[ $? = 143 ] || fail "the status of a guest that was told to stop"
