# SPDX-License-Identifier: GPL-2.0-or-later
# Once there is a VM, lkvm looks up no path and makes neither named sockets nor processes: a guest with a disk, networks,
# terminals and a memory file reboots, is paused and asked about, and ends, under strace.
. "${0%/*}/lib/case.sh"
needs_user_network
command -v strace >/dev/null || lacks "strace"

# Prints what a jail would have to allow that is not in the list. Names in a folder that was opened before are
# allowed; calls of helpers, which have names that begin with lkvm-, are their own jail's.
cat >forbidden.awk <<'END'
NR == FNR {
	if (/PR_SET_NAME, "lkvm-/)
		helper[$1] = 1
	next
}
/"vm-created"/ { begun = 1; next }
!begun || helper[$1] || /prctl\(|resumed>|\+\+\+|---|CLONE_THREAD/ { next }
# The descriptor itself.
/(newfstatat|statx|fstatat64)\([0-9]+, ""/ { next }
# The control socket, and the terminal's link.
/(newfstatat|unlinkat)\([0-9]+, "opens\.sock"/ { next }
/(readlinkat|unlinkat)\([0-9]+, "link"/ || /symlinkat\("[^"]*", [0-9]+, "link"/ { next }
{ print; bad = 1 }
END { exit bad || !begun }
END

# A network of its own for a tap; where that cannot be had, there is the user network alone.
alone="unshare -rn" tap="--network mode=tap,script=$PWD/up,downscript=$PWD/down"
$alone sh -c '3<>/dev/net/tun' 2>/dev/null || alone='' tap=''
for script in up down; do
	printf '#!/bin/sh\necho $1 >%s\n' "$PWD/is-$script" >$script
	chmod +x $script
done

head -c 1M /dev/zero >disk
# What strace has hold of cannot be searched for leaks.
export SCRIPTED_VM=vm-created ASAN_OPTIONS="detect_leaks=0:$ASAN_OPTIONS"
# shellcheck disable=SC2086 # words
$alone strace -f --seccomp-bpf -qq -e signal=none -o calls \
	-e trace=%file,execve,execveat,clone,clone3,fork,vfork,socket,connect,bind,prctl \
	"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 2 --name opens --disk disk --network mode=user $tap \
	--tty 1=link --mem-backend file,path=ram --reboot >output 2>errors </dev/null &
pid=$!
until_printed "second boot"
"$LKVM" pause opens && "$LKVM" stat opens >stat && "$LKVM" resume opens || fail "pause, stat, resume"
"$LKVM" stop opens || fail "stop"
ended 143
awk -f forbidden.awk calls calls || fail "see above"
[ -z "$tap" ] || cmp is-up is-down || fail "the network's scripts"
