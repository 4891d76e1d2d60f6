# SPDX-License-Identifier: GPL-2.0-or-later
# lkvm stop --ask presses the button of a guest that listens to it, and no other's; it never ends one itself.
. "${0%/*}/lib/case.sh"

# refused WORDS: status 248, and the guest goes on.
refused() {
	status=0
	"$LKVM" stop --ask --name pressed 2>answer || status=$?
	[ $status = 248 ] && grep -q "guest pressed: $1" answer || fail "status $status: $(cat answer)"
	[ -d /proc/$pid ] || fail "it has ended"
}

mkfifo keys
"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --name pressed >output 2>errors <keys &
pid=$!
exec 3>keys
until_printed deaf
refused "nothing in it listens to its power button"
echo x >&3
until_printed listening
"$LKVM" pause --name pressed || fail "pause"
refused "it is paused"
"$LKVM" resume --name pressed || fail "resume"
"$LKVM" stop --ask --name pressed >answer || fail "stop --ask: status $?"
grep -q "Guest pressed has ended" answer || fail "$(cat answer)"
ended 0
grep -q "^pressed" output || fail "$(cat output)"
