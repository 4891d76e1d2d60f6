# SPDX-License-Identifier: GPL-2.0-or-later
# What libslirp has to say of a guest's frames holds nobody up, nor does it end the network when the environment says
# that such lines are fatal.
. "${0%/*}/lib/case.sh"
needs_user_network
export G_DEBUG=fatal-warnings
# A pipe that is full, and that nobody reads.
mkfifo messages
exec 9<>messages
timeout 0.2 dd if=/dev/zero bs=4096 2>/dev/null >&9
"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --name echo --network mode=user >output 2>&9 </dev/null &
pid=$!
until_printed "the network is there"
"$LKVM" pause echo || fail "pause"
"$LKVM" resume echo || fail "resume"
"$LKVM" stop echo || fail "stop"
ended 143

rm output
# And of all that only a few lines are the operator's.
"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --name echo --network mode=user >output 2>errors </dev/null &
pid=$!
until_printed "the network is there"
"$LKVM" stop echo || fail "stop"
ended 143
[ "$(wc -l <errors)" -lt 20 ] || fail "$(wc -l <errors) lines on stderr"
! grep -i "link is down" errors || fail "the network was replaced"
