# SPDX-License-Identifier: GPL-2.0-or-later
# The host takes away what it has given: lkvm ends with one line about it and its own status, and leaves
# nothing behind that it would not leave otherwise.
fail() {
	echo "FAIL $*"
	cat output errors 2>/dev/null
	exit 1
}

# start OPTIONS...: with $room, in a mount namespace where "full" is a file system of that size.
start() {
	: >output
	set -- "$LKVM" run --name memory-lost --nodefaults -k "$GUEST" -m 64 -c 2 "$@"
	[ -z "$room" ] || set -- unshare -m sh -c 'mount -t tmpfs -o size="$0" none full && exec "$@"' "$room" "$@"
	"$@" >output 2>errors </dev/null &
	pid=$!
}

# ends TEXT: by itself, as an error of the host's; a minute tells an end from a loop.
ends() {
	(sleep 60; kill -KILL $pid) 2>/dev/null &
	killer=$!
	wait $pid
	status=$?
	kill $killer 2>/dev/null
	[ $status = 246 ] || fail "status $status instead of 246: $1"
	grep -q "Error: Guest memory-lost: --mem-backend $1" errors || fail "not said: $1"
	[ "$(wc -l <errors)" = 1 ] || fail "more than one line said: $1"
	grep -q FAIL output && fail "the guest says so: $1"
	"$LKVM" list 2>/dev/null | grep -q memory-lost && fail "still in the list: $1"
	return 0
}

# Somebody makes the file shorter.
room=
start --mem-backend file,path=ram
until grep -q "all touched" output; do
	kill -0 $pid 2>/dev/null || fail "ended too early"
	sleep 0.05
done
truncate -s 48M ram
ends "file: memory at 0x[0-9a-f]*000 is lost: ram was made shorter, to 49152 KiB of 65536; nobody may do that"

# There is less room than the guest thinks. Mounts need privileges.
mkdir full
unshare -m mount -t tmpfs none full 2>/dev/null || exit 0
room=40M
start --mem-backend file,path=full/ram
ends "file: memory at 0x[0-9a-f]*000 is lost: the file system of full/ram has no space for it, 0 KiB are left"
grep -q "all touched" output && fail "64 MiB in 40"
# What is asked for beforehand is known beforehand.
start --mem-backend file,path=full/ram,prealloc
wait $pid
status=$?
[ $status = 241 ] || fail "prealloc: status $status instead of 241"
grep -q "Fatal: --mem-backend file: prealloc: not all of .* can be had: .* full/ram has no space for it, 0 KiB are left" errors ||
	fail "prealloc: not said"
exit 0
