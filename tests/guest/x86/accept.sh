# SPDX-License-Identifier: GPL-2.0-or-later
# How many faults it takes a guest to touch 4 MiB that it made private: 1024, or none that were not done beforehand.
stat=/sys/kernel/debug/kvm/pf_taken
[ -r $stat ] || mount -t debugfs none /sys/kernel/debug 2>/dev/null
[ -r $stat ] || { echo "no $stat"; exit 77; }

. "${0%/*}/private-steps.sh"

# faults WORDS...: sets `faults` to how many the touching took.
faults() {
	rm -f in
	mkfifo in
	"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --vm-type sw-protected --loglevel debug "$@" \
		<in >console 2>errors &
	pid=$!
	exec 3>in
	at begin
	echo >&3
	at converted
	faults=$(cat $stat)
	echo >&3
	at touched
	faults=$(($(cat $stat) - faults))
	echo >&3
	wait "$pid" || give_up "status $?"
	grep -q "^accept ok" console || give_up "the end is missing"
	exec 3>&-
	echo "4 MiB made private and touched, ${*:-pre-faulted}: $faults faults; $(sed -n 's/.*Page conversions: //p' errors)"
}

faults --no-prefault
[ "$faults" -ge 1024 ] || give_up "$faults faults are too few to be all"
faults
[ "$faults" -le 2 ] || give_up "$faults faults, though all was pre-faulted"
grep -q " 1024 pages pre-faulted, 0 failures" errors || give_up "not all was pre-faulted"
exit 0
