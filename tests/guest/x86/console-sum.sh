# SPDX-License-Identifier: GPL-2.0-or-later
# Much input, binary: not a byte is lost, however it comes and however the guest takes it.
run() {
	timeout -s KILL 60 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1
}

# expect STATUS GOT WANTED WHAT
expect() {
	[ "$1" = 0 ] || { echo "FAIL $4: status $1"; exit 1; }
	[ "$2" = "$3" ] || { echo "FAIL $4: the sum is $2, not $3"; exit 1; }
}

sum() {
	cksum <"$1" | cut -d ' ' -f 1
}

# More thousands than a pipe holds, but where each byte takes an emulated CPU most of a millisecond.
[ "${LAB_HOW:-}" = emulated ] && many=16 few=2 || many=70 few=8
head -c ${many}000 /dev/urandom >much
head -c ${few}000 much >some
many=$(printf '\\%03o' $many) few=$(printf '\\%03o' $few)

got=$({ printf "I$many"; cat much; } | run)
expect $? "$got" "$(sum much)" "by interrupts, from a pipe"
{ printf "I$few"; cat some; } >input
got=$(run <input)
expect $? "$got" "$(sum some)" "by interrupts, from a file"
got=$({ printf "P$few"; cat some; } | run)
expect $? "$got" "$(sum some)" "by polling, from a pipe"
exit 0
