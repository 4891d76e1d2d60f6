# SPDX-License-Identifier: GPL-2.0-or-later
# The console with everything that stdin and stdout can be.
run() {
	timeout -s KILL 120 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 "$@"
}

fail() {
	echo "FAIL $*"
	exit 1
}

# expect GOT WANTED WHAT
expect() {
	[ "$1" = "$2" ] || fail "$3: status $1, expected $2"
}

# All 256 bytes but Q, often, Ctrl-A x among them: a pipe is transparent and loses nothing.
awk 'BEGIN { for (n = 0; n < 20; n++) for (c = 1; c < 256; c++) if (c != 81) printf "%c", c
	printf "\001xQ" }' >body
{ printf E; cat body; } >input
cat input | run >output
expect $? 0 "stdin a pipe"
cmp body output || fail "stdin a pipe"

run <input >output
expect $? 0 "stdin a file"
cmp body output || fail "stdin a file"

# In pieces, and with what comes after the end left alone.
(printf E; for i in 1 2 3 4 5; do printf "piece %d " $i; sleep 0.02; done; printf Q) | run >output
expect $? 0 "stdin in pieces"
[ "$(cat output)" = "piece 1 piece 2 piece 3 piece 4 piece 5 Q" ] || fail "stdin in pieces"

# Nothing to read is no reason to end, nor to spin.
run --timeout 1 <&- >output 2>errors
expect $? 245 "stdin closed"
run --timeout 1 </dev/null >output 2>errors
expect $? 245 "stdin /dev/null"

# start_full LETTER: such a guest in the background whose output waits in the pipe `fifo`, which is full and which nobody
# reads; the other end is open as 9.
start_full() {
	[ -p fifo ] || mkfifo fifo
	printf "$1" >letter
	exec 9<>fifo
	"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 <letter >fifo 2>errors 9>&- &
	pid=$!
	now=0
	for _ in $(seq 600); do
		before=$now
		sleep 0.05
		now=$(sed -n 's/^wchar: //p' /proc/$pid/io)
		[ "${now:-0}" -lt 10000 ] || [ "$now" != "$before" ] || return 0
	done
	kill -KILL $pid
	fail "the pipe is not full"
}

# Output: all of it to a slow reader or a file, and none of it to one that has gone.
start_full L
cat <fifo 9>&- >output &
reader=$!
wait $pid
expect $? 0 "stdout a slow pipe"
exec 9>&-
wait $reader
awk 'BEGIN { for (i = 0; i < 1850; i++) printf "%08x a line of the guest'"'"'s console\n", i }' >lines
cmp lines output || fail "stdout a slow pipe"
printf M | run >output
expect $? 0 "stdout a file"
head -n 100 lines | cmp - output || fail "stdout a file"
(printf S | run 2>errors; echo $? >status) | head -c 100 >/dev/null
expect "$(cat status)" 141 "stdout a pipe that closes"
(printf L | run --keep-running; echo $? >status) | head -c 100 >/dev/null
expect "$(cat status)" 0 "stdout a pipe that closes, with --keep-running"
# The guest waits for input and prints nothing.
(run --timeout 20 2>errors </dev/null; echo $? >status) | true
expect "$(cat status)" 141 "stdout a pipe that closes on a silent guest"
printf M | run >/dev/full 2>errors
expect $? 246 "stdout /dev/full"
printf M | run >&-
expect $? 0 "stdout closed"

# A reader that never reads does not keep lkvm from ending when it is told to.
start_full S
kill $pid
wait $pid
expect $? 143 "a stuck reader and SIGTERM"
exec 9>&-

# until_size BYTES FILE
until_size() {
	for _ in $(seq 300); do
		[ ! -f "$2" ] || [ "$(wc -c <"$2")" -lt "$1" ] || return 0
		sleep 0.1
	done
}

# On a terminal: raw while it runs, as it was afterwards, Ctrl-A x ends it and nothing else does.
if command -v script >/dev/null; then
	rm -f output after
	# A terminal that is not raw yet takes Ctrl-C itself. What came without a line's end came through a raw one.
	(printf E.; until_size 1 output; printf "\003\032\001\001."; until_size 5 output; printf "\001x"; until_size 1 after) |
		timeout -s KILL 30 script -qec "stty -a >before
			'$LKVM' run --nodefaults -k '$GUEST' -m 64 -c 1 >output
			echo \$? >status; stty -a >after" /dev/null >/dev/null 2>&1
	expect "$(cat status)" 0 "Ctrl-A x"
	cmp before after || fail "the terminal's mode"
	printf ".\003\032\001." >want
	cmp want output || fail "what was typed"
fi
exit 0
