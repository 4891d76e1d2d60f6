# SPDX-License-Identifier: GPL-2.0-or-later
# For tests/kvm/NAME.sh, which begin with: . "${0%/*}/lib/case.sh"
# A folder of their own for guests' sockets; what fails leaves no lkvm behind.
pid=
trap '[ -z "$pid" ] || kill -KILL $pid 2>/dev/null' EXIT
export LKVM_RUNTIME_DIR=$PWD/run
mkdir -m 700 run

# fail WORDS: with what lkvm said.
fail() {
	echo "FAIL $*"
	[ ! -s errors ] || head -n 20 errors
	exit 1
}

# lacks WORDS: this test runs elsewhere.
lacks() {
	echo "$*"
	exit 77
}

needs_user_network() {
	"$LKVM" version | grep -q ' libslirp' || lacks "built without libslirp"
}

# until_it COMMAND...: waits until it succeeds, for half a minute.
until_it() {
	for _ in $(seq 3000); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.01
	done
	fail "never: $*"
}

# until_printed WORDS: waits until the guest, $pid, has said so in the file output.
until_printed() {
	for _ in $(seq 3000); do
		! grep -qs "$1" output || return 0
		[ -d /proc/$pid ] || grep -qs "$1" output || fail "the guest has ended before it said '$1'"
		sleep 0.01
	done
	fail "the guest never said '$1'"
}

# ended STATUS: waits for $pid.
ended() {
	wait $pid
	status=$?
	[ $status = "$1" ] || fail "status $status, expected $1"
	pid=
}
