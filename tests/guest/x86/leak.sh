# SPDX-License-Identifier: GPL-2.0-or-later
# What the host sees of a guest's private memory: nothing, but what was shared before. And it gets back the memory.
command -v leak-scan >/dev/null || { echo "no leak-scan here; the lab has it"; exit 77; }
mkfifo in
"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 2 --vm-type sw-protected <in >console 2>errors &
pid=$!
exec 3>in

. "${0%/*}/private-steps.sh"

# secrets: pages with them that are in the process's memory.
secrets() {
	leak-scan "$pid" || give_up "leak-scan"
}

resident() {
	sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status"
}

# expect WHERE COUNT
expect() {
	seen=$(secrets)
	[ "$seen" = "$2" ] || give_up "$1: $seen pages of secrets, not $2"
}

at "all shared"
expect "all shared" 2048
before=$(resident)
echo >&3
at "private and empty"
expect "private and empty" 0
after=$(resident)
[ $((before - after)) -ge 7168 ] || give_up "$before KiB before 8 MiB were made private, $after after"
echo >&3
at "private and full"
expect "private and full" 0
echo >&3
at "half shared"
expect "half shared" 0
echo >&3
at "shared again"
expect "shared again" 0
echo >&3
looks=0
until grep -q -e "^hammered" -e FAIL console; do
	expect "while it is hammered, look $looks" 0
	looks=$((looks + 1))
	# Enough: until then the guest goes on, however quick it is.
	[ $looks != 3 ] || echo >&3
	ended && give_up "the guest ended"
done
at "hammered"
expect "hammered" 0
[ $looks -ge 3 ] || give_up "only $looks looks"
echo >&3
wait "$pid"
status=$?
cat console
echo "looked $looks times"
exit $status
