# SPDX-License-Identifier: GPL-2.0-or-later
# A firmware image of ours, with 64 MiB and with more RAM than fits below its hole; fw_cfg has what was given.
head -c 65537 /dev/urandom >kernel
head -c 10001 /dev/urandom >initrd

hex() {
	printf '%08x' "$1"
}

sum() {
	od -An -v -t u1 "$1" | tr -s ' ' '\n' | awk '{ s += $1 } END { printf "%08x", s }'
}

want() {
	grep -qix -e "$1" out || { echo "FAIL: no line '$1'"; cat out err; exit 1; }
}

# start OPTIONS...
start() {
	status=0
	timeout -s KILL 120 "$LKVM" run --nodefaults --reboot --firmware "$GUEST" -k kernel -i initrd -p "one two" \
		"$@" >out 2>err || status=$?
	[ $status = 0 ] || { echo "FAIL: status $status"; cat out err; exit 1; }
	want "second life"
	want "kernel size $(hex 65537)"
	want "kernel sum $(sum kernel)"
	want "initrd size $(hex 10001)"
	want "initrd sum $(sum initrd)"
	want "command line .*one two"
}

start -m 64 -c 1
want "cpus 00000001"
want "ram 0000000000000000 0000000004000000"
want "a page at 4 GiB 00000001"
want "debug port 000000ff"
start -m 3G -c 2 --debug
want "cpus 00000002"
want "ram 0000000000000000 0000000080000000"
want "ram 0000000100000000 0000000040000000"
want "a page at 4 GiB 00000000"
want "debug port 000000e9"
grep -q 'firmware: said through the debug port' err || { echo "FAIL: not in the log"; cat err; exit 1; }
exit 0
