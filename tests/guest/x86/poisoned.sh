# SPDX-License-Identifier: GPL-2.0-or-later
# A page of a guest's memory is broken (EHWPOISON of KVM_RUN, where KVM has it from a guest_memfd): lkvm says so and ends.
command -v poison >/dev/null || { echo "no poison here; the lab has it"; exit 77; }
mkfifo in
# Made at once, so that lkvm's mapping has the page, by which poison finds it.
"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --mem-backend guest-memfd,prealloc <in >console 2>errors &
pid=$!
exec 3>in

. "${0%/*}/private-steps.sh"

at "filled"
poison "$pid" 0x2000000 || give_up "poison"
dmesg | tail -n 4
echo >&3
status=0
wait "$pid" || status=$?
cat console errors
[ "$status" = 246 ] || give_up "status $status"
grep -q "^reading" console || give_up "it did not come to the page"
grep -q "memory at 0x2000000 is lost: .*broken" errors ||
	give_up "not the words that are meant"
exit 0
