# SPDX-License-Identifier: GPL-2.0-or-later
# A disk that never answers, as a network file system whose server has gone, keeps nobody from ending.
fail() {
	echo "FAIL $*"
	exit 1
}

truncate -s 1M disk
"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --disk disk >output 2>errors </dev/null
[ $? = 0 ] && grep -q "^read$" output || fail "a disk that answers"

# The kernel is never told of any request, and nobody hears of that.
cat >hang.c <<'C'
int io_submit(void *context, long nr, void **requests)
{
	return nr;
}
C
${CC:-cc} -shared -fPIC -o hang.so hang.c 2>errors || { echo "no compiler for the disk that hangs"; exit 0; }

start() {
	: >output
	ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 LD_PRELOAD=$PWD/hang.so \
		"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --disk disk "$@" \
		>output 2>errors </dev/null &
	pid=$!
	until grep -q reading output; do sleep 0.01; done
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

# In hundredths of a second. Not every date(1) knows of less than seconds.
uptime() {
	sed 's/ .*//; s/\.//' /proc/uptime
}

# taken DIGITS: lkvm has taken the signal, whose bit is one of those in the four last digits of the pending ones.
taken() {
	until grep -q "^ShdPnd:.*$1\$" /proc/$pid/status; do sleep 0.01; done
}

start
begin=$(uptime)
kill -TERM $pid
within 20 143 "SIGTERM"
one=$(($(uptime) - begin))

start
kill -USR1 $pid
taken '[014589cd]..'
kill -TERM $pid
within 20 143 "SIGTERM while a pause waits for the disk"

start
begin=$(uptime)
kill -TERM $pid
taken '[012389ab]...'
kill -TERM $pid
within 20 143 "a second SIGTERM"
two=$(($(uptime) - begin))
[ $two -lt $one ] || fail "a second SIGTERM: it ended after $two hundredths, and after $one by one"

start --timeout 1
within 20 245 "--timeout"
grep -q "^read$" output && fail "the disk did answer"
exit 0
