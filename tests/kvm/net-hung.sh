# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing waits for a helper that does not go on: not pause, not resume, not a reboot, not the end.
. "${0%/*}/lib/case.sh"
needs_user_network

# child_of PID NAME
child_of() {
	for stat in /proc/[0-9]*/stat; do
		read -r number name _ parent _ 2>/dev/null <"$stat" || continue
		[ "$parent" != "$1" ] || [ "$name" != "($2)" ] || echo "$number"
	done
}

# find_helper: sets helper.
find_helper() {
	helper=$(child_of $pid lkvm-net)
	[ -n "$helper" ]
}

mkfifo input
exec 9<>input
"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --name hung --reboot --network mode=user >output 2>errors <input &
pid=$!
until_printed "the network is there in life 1"
until_it find_helper
kill -STOP "$helper"
until_printed stuck
"$LKVM" pause hung || fail "pause"
"$LKVM" resume hung || fail "resume"
echo >input
until_printed "the network is there in life 2"
until_it grep "the helper did not answer" errors
until_it find_helper
kill -STOP "$helper"
helpers=$(child_of $pid lkvm-helpers)
"$LKVM" stop hung || fail "stop"
ended 143
[ ! -d "/proc/$helper" ] || fail "the helper remains"
[ ! -d "/proc/$helpers" ] || fail "the process that starts helpers remains"
