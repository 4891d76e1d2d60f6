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
	"$LKVM" run --nodefaults --name "accept-$$" -k "$GUEST" -m 64 -c 1 --vm-type sw-protected "$@" \
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
	"$LKVM" stat --json "accept-$$" >stat || give_up "stat"
	echo >&3
	wait "$pid" || give_up "status $?"
	grep -q "^accept ok" console || give_up "the end is missing"
	exec 3>&-
	echo "4 MiB made private and touched, ${*:-pre-faulted}: $faults faults"
}

faults --no-prefault
[ "$faults" -ge 1024 ] || give_up "$faults faults are too few to be all"
faults
[ "$faults" -le 2 ] || give_up "$faults faults, though all was pre-faulted"
grep -q '"prefaulted_pages": 1024[,}]' stat && grep -q '"prefault_failures": 0[,}]' stat ||
	give_up "not all was pre-faulted"
exit 0
