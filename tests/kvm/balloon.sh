# SPDX-License-Identifier: GPL-2.0-or-later
# lkvm balloon and lkvm stat -m with a driver at work, with none, and with no balloon.
. "${0%/*}/lib/case.sh"

# refused STATUS WORDS COMMAND...
refused() {
	expected=$1 words=$2 status=0
	shift 2
	"$LKVM" "$@" >answer 2>&1 || status=$?
	[ $status = "$expected" ] && grep -q -e "$words" answer || fail "$*: status $status: $(cat answer)"
}

# shows WORDS COMMAND...
shows() {
	words=$1
	shift
	"$LKVM" "$@" >answer 2>&1 || fail "$*: status $?: $(cat answer)"
	grep -q -e "$words" answer || fail "$*: $(cat answer)"
}

mkfifo keys
"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --name plain >output 2>errors <keys &
pid=$!
exec 3>keys
until_printed deaf
refused 248 "guest plain: the guest has no such device (balloon); 'lkvm run --balloon' gives it one" balloon plain
refused 248 "guest plain: it has no device that knows how it uses its memory; 'lkvm run --balloon'" stat -m plain
"$LKVM" stop plain >answer || fail "stop"
ended 143
exec 3>&-

rm output
"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --balloon --name blown >output 2>errors <keys &
pid=$!
exec 3>keys
until_printed deaf
shows "^Guest blown has 64 of 64 MiB of memory$" balloon blown
refused 248 "guest blown: its kernel has no driver for a balloon (virtio_balloon) at work" balloon -n blown -i 1
# Nobody is waited for who is not there.
shows "^Device virtio-balloon" stat -m blown
! grep -q "free:" answer || fail "$(cat answer)"
echo x >&3
until_printed listening
shows "^  free: *123 MiB$" stat -m blown
shows '"free_bytes": 128974848' stat -m blown --json
! grep -q coming answer || fail "$(cat answer)"
refused 248 "guest blown: its kernel has no driver for a balloon (virtio_balloon) with free page hints at work" balloon blown --hint
refused 248 "guest blown: at least 16 of its 64 MiB of memory stay with it" balloon blown -i 49
refused 248 "guest blown: at least 16 of its 64 MiB of memory stay with it" balloon blown -i 1G
refused 248 "guest blown: at least 16 of its 64 MiB of memory stay with it" balloon blown --target 4K
shows "^Guest blown has 63 of 64 MiB of memory$" balloon --inflate 48K --wait blown
shows '"actual_bytes": 67059712, "given_back_bytes": 49152,' balloon blown --json
refused 248 "1 MiB cannot be given back: its balloon is to have 0" balloon blown -d 1
shows "^Guest blown has 64 of 64 MiB of memory$" balloon --target 64M --wait blown
# What the guest does not do is only shown.
shows "^Guest blown has 64 of 64 MiB of memory; its target is 32 MiB$" balloon -n blown -t 32
"$LKVM" pause blown >answer || fail "pause"
shows "^  target: *32 MiB$" stat blown
"$LKVM" stop blown >answer || fail "stop"
ended 143
! grep FAIL output || fail "see above"
