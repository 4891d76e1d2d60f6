# SPDX-License-Identifier: GPL-2.0-or-later
# For leak.sh and accept.sh: a guest that goes on step by step. $pid is lkvm, `console` and `errors` are what it says.

give_up() {
	echo "FAIL $*"
	cat console errors
	kill "$pid" 2>/dev/null
	exit 1
}

ended() {
	! grep -q "^State:.[^Z]" "/proc/$pid/status" 2>/dev/null
}

# at TEXT: waits until a line of the guest's begins so.
at() {
	n=0
	until grep -q "^$1" console; do
		if ended; then
			grep -q "not offered by this host's KVM" errors && { echo "no such guests here"; exit 77; }
			give_up "the guest ended before '$1'"
		fi
		[ $n -lt 1200 ] || give_up "no '$1'"
		n=$((n + 1))
		sleep 0.1
	done
}
