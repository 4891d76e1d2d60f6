# SPDX-License-Identifier: GPL-2.0-or-later
# lkvm as kvm-unit-tests' scripts (ARCH/run, scripts/vmm.bash) call it for their target kvmtool: the program,
# what they always say, then what a test asks for, and the environment as an initrd.
fail() {
	echo "FAIL $*"
	exit 1
}

# expect OUTPUT OPTION...: the guest's report, status 0, and lkvm says nothing, but that there are more vCPUs than
# this host has CPUs.
expect() {
	want=$1
	shift
	timeout -s KILL 60 "$LKVM" run --kernel "$GUEST" --nodefaults --network mode=none \
		--loglevel=warning "$@" </dev/null >output 2>errors
	status=$?
	cat errors
	[ $status = 0 ] || { cat output; fail "status $status: $*"; }
	! grep -qv "this host's KVM recommends at most" errors || fail "lkvm has something to say: $*"
	[ "$(cat output)" = "$want" ] || { cat output; fail "the guest's report: $*"; }
}

# How they look for the binary, and for a test that cannot be run here.
"$LKVM" --help 2>/dev/null | grep -q 'The most commonly used' || fail "lkvm --help"
"$LKVM" run --kernel _NO_FILE_4Uhere_ --nodefaults --network mode=none --loglevel=warning --cpus 2 \
	</dev/null >output 2>&1 && fail "a kernel that is not there"
grep -q "Fatal: Unable to open kernel _NO_FILE_4Uhere_" output || { cat output; fail "a missing kernel"; }

# No newline at its end, and of an odd length.
printf 'NR_CPUS=2\nMACHINE=kvmtool\nERRATA_9e3f7a296940=y\nlast=line' >env
