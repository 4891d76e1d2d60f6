# SPDX-License-Identifier: GPL-2.0-or-later
# The network is there at the end, and it is the same one: no helper had to be replaced.
. "${0%/*}/lib/case.sh"
needs_user_network
timeout 50 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --network mode=user,loopback=on \
	>output 2>errors </dev/null || fail "status $?"
grep -q "the network is there" output || fail "it is not there"
[ ! -s errors ] || fail "something was said"
