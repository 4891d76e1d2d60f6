# SPDX-License-Identifier: GPL-2.0-or-later
# What libslirp keeps for a guest has a bound, and is not lkvm's: above it the network is replaced.
. "${0%/*}/lib/case.sh"
needs_user_network
command -v python3 >/dev/null || lacks "no python3"
# Listens and never reads; tells its port in two bytes.
python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", 0), backlog=64)
open("disk", "wb").write(s.getsockname()[1].to_bytes(2, "big") + bytes(4094))
time.sleep(60)' &
server=$!
trap 'kill $server; [ -z "$pid" ] || kill -KILL $pid' EXIT
until_it test -s disk
"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --name hole --disk disk,ro --network mode=user,loopback=on \
	>output 2>errors </dev/null &
pid=$!
until_printed "the network is there"
grep -q "the helper needed more memory than it may have" errors || fail "what it kept had no bound"
[ "$(wc -l <errors)" = 1 ] || fail "more than a line"
"$LKVM" stop hole || fail "stop"
ended 143
