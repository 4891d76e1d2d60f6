# SPDX-License-Identifier: GPL-2.0-or-later
# A host that gives little: a small stack; few descriptors; and no memory, once, at every request for it. No start fails
# without a line that says why, and none with more than one.
. "${0%/*}/lib/case.sh"
library=${LKVM%/*}/malloc.so

run() {
	timeout 20 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 2 "$@" </dev/null >output 2>errors
	status=$?
}

(ulimit -s 64 && run && exit $status)
status=$?
[ $status = 0 ] || fail "status $status with a stack of 64 KiB"

head -c 65536 /dev/zero >disk
network=user
"$LKVM" version | grep -q ' libslirp' || network=none
count=16 status=241
while [ $status = 241 ]; do
	(ulimit -n $count && run -n mode=$network -d disk --console virtio --rng --balloon --tty 1 && exit $status)
	status=$?
	lines=$(grep -cE '^  (Fatal|Error): ' errors)
	case $status:$lines in
	0:0 | 241:1) count=$((count + 1)) ;;
	*) fail "$count descriptors: status $status, $lines lines" ;;
	esac
done
[ $count -gt 40 ] || fail "it started with $count descriptors"

[ -e "$library" ] || lacks "sanitizers have a malloc of their own"
starts() {
	run -d disk -n mode=none --console virtio --rng --tty 1
}
export LD_PRELOAD="$library"
MALLOC_COUNT=$PWD/count starts
read -r count <count
[ $status = 0 ] && [ "$count" -gt 30 ] || fail "status $status after '$count' requests"
said=0
export MALLOC_FAILS
for MALLOC_FAILS in $(seq "$count"); do
	starts
	lines=$(grep -cE '^  (Fatal|Error): ' errors)
	case $status:$lines in
	0:0) ;;
	241:1) grep -qx '  Fatal: Out of memory' errors && said=$((said + 1)) ;;
	*) fail "request $MALLOC_FAILS of $count: status $status, $lines lines" ;;
	esac
done
[ $said -gt 10 ] || fail "'Out of memory' was said only $said times"
