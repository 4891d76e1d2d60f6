# SPDX-License-Identifier: GPL-2.0-or-later
# Output that could not be written is told once, and by the status. What lkvm itself says, and nobody reads, does not
# keep a guest that has ended.
. "${0%/*}/lib/case.sh"
run() {
	timeout 50 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 "$@" </dev/null
	status=$?
}

mkfifo messages
sleep 60 <messages &
pid=$!
exec 9>messages
dd if=/dev/zero bs=4096 count=16 >&9 2>/dev/null
run --loglevel debug >output 2>&9
[ $status = 0 ] || fail "status $status, with messages that nobody reads"
[ "$(wc -l <output)" = 1000 ] || fail "the guest's own output is not there"
exec 9>&-

[ -w /dev/full ] || lacks "no /dev/full"
run >/dev/full 2>errors
[ $status = 246 ] || fail "status $status"
[ "$(wc -l <errors)" = 1 ] && grep -q "Warning: .*No space left on device" errors || fail "not one line of it"
