# SPDX-License-Identifier: GPL-2.0-or-later
# Output that could not be written is told once, and by the status.
. "${0%/*}/lib/case.sh"
[ -w /dev/full ] || lacks "no /dev/full"
timeout 50 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 >/dev/full 2>errors </dev/null
status=$?
[ $status = 246 ] || fail "status $status"
[ "$(wc -l <errors)" = 1 ] && grep -q "Warning: .*No space left on device" errors || fail "not one line of it"
