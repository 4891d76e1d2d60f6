# SPDX-License-Identifier: GPL-2.0-or-later
# However many sockets a guest's network takes, they are not lkvm's: it answers.
. "${0%/*}/lib/case.sh"
needs_user_network
ulimit -n 1024
"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --name sockets --network mode=user,loopback=on \
	>output 2>errors </dev/null &
pid=$!
until_printed sent
"$LKVM" stat sockets >stat || fail "stat"
"$LKVM" stop sockets || fail "stop"
ended 143
