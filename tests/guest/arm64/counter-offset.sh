# SPDX-License-Identifier: GPL-2.0-or-later
# --counter-offset is subtracted from both counters, which are as near to each other as two readings are.
run() {
	timeout -s KILL 60 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 "$@" </dev/null >output 2>errors
	status=$?
	cat errors output
	grep -q "does not take it" errors && { echo "no KVM_ARM_SET_COUNTER_OFFSET"; exit 77; }
	[ $status = 0 ] || { echo "FAIL status $status: $*"; exit 1; }
}

# The upper 32 bits of a counter: 4 seconds at 1 GHz is one.
high() {
	echo $((0x$(sed -n "s/^$1 \(........\).*/\1/p" output)))
}

# near WHAT GOT WANT: up to a minute less, modulo 2^32.
near() {
	[ $((($3 - $2) & 0xffffffff)) -le 16 ] || { echo "FAIL $1: $2, not $3"; exit 1; }
}

run --counter-offset 0x1000000000000000
first_virtual=$(high virtual) first_physical=$(high physical)
near "the counters' distance" "$first_virtual" "$first_physical"
run --counter-offset 0x7654321000000000
near "virtual counters' difference" $(((first_virtual - $(high virtual)) & 0xffffffff)) $((0x66543210))
near "physical counters' difference" $(((first_physical - $(high physical)) & 0xffffffff)) $((0x66543210))
# Without, the guest's virtual time begins with the guest.
run
near "the virtual counter without an offset" 0 "$(high virtual)"
exit 0
