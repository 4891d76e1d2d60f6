# SPDX-License-Identifier: GPL-2.0-or-later
# How many faults it takes a guest to touch 4 MiB that it made private: 1024, or none that were not done beforehand.
stat=/sys/kernel/debug/kvm/pf_taken
[ -r $stat ] || mount -t debugfs none /sys/kernel/debug 2>/dev/null
[ -r $stat ] || { echo "no $stat"; exit 77; }

give_up() {
	echo "FAIL $*"
	cat console errors
	kill "$pid" 2>/dev/null
	exit 1
}

ended() {
	! grep -q "^State:.[^Z]" "/proc/$pid/status" 2>/dev/null
}

at() {
	n=0
	until grep -q "^$1" console; do
		if ended; then
			grep -q "not offered by this host's KVM" errors && { echo "no such guests here"; exit 77; }
			give_up "the guest ended before '$1'"
		fi
		[ $n -lt 600 ] || give_up "no '$1'"
		n=$((n + 1))
		sleep 0.1
	done
}

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
