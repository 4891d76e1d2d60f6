# SPDX-License-Identifier: GPL-2.0-or-later
# Readers of the console that go, and a reader of lkvm's own messages who never reads.
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

run() {
	"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --name reader "$@" </dev/null
}

state() {
	"$LKVM" stat --name reader --json | grep -q "\"state\": *\"$1\""
}

export LKVM_RUNTIME_DIR=$PWD/run
mkdir -m 700 run

# The guest is silent when its reader goes.
{ run --timeout 30 2>errors; echo $? >status; } | head -n 1 >line
[ "$(cat status)" = 141 ] || fail "status $(cat status) without a reader"
[ "$(cat line)" = up ] || fail "'$(cat line)' was read"
grep -q "^  Error: Nobody reads the console of guest reader any more" errors || fail "$(cat errors)"

mkfifo console
cat console >line &
reader=$!
run --keep-running >console 2>errors &
pid=$!
until_it grep -q up line
kill $reader
wait $reader
"$LKVM" pause --name reader && "$LKVM" resume --name reader || fail "it did not go on: $(cat errors)"
"$LKVM" stop --name reader
wait $pid
[ $? = 143 ] || fail "--keep-running: $(cat errors)"

# A pipe that is full: all that lkvm says of pauses must not hold up the next one, nor the end.
mkfifo messages
sleep 60 <messages &
reader=$!
exec 9>messages
dd if=/dev/zero bs=4096 count=16 >&9 2>/dev/null
run >output 2>&9 &
pid=$!
until_it grep -q up output
for _ in 1 2 3; do
	timeout 20 "$LKVM" pause --name reader && until_it state paused &&
		timeout 20 "$LKVM" resume --name reader && until_it state running || fail "messages that nobody reads"
done
timeout 20 "$LKVM" stop --name reader || fail "stop, with messages that nobody reads"
wait $pid
[ $? = 143 ] || fail "the status with messages that nobody reads"
kill $reader
