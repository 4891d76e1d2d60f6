# SPDX-License-Identifier: GPL-2.0-or-later
# lkvm as kvm-unit-tests' scripts (arm/run, scripts/vmm.bash) call it for their target kvmtool: the program,
# what they always say, then what a test asks for, and the environment as an initrd.
fail() {
	echo "FAIL $*"
	exit 1
}

expect() {
	want=$1
	shift
	timeout -s KILL 60 "$LKVM" run --kernel "$GUEST" --nodefaults --network mode=none \
		--loglevel=warning "$@" </dev/null >output 2>errors
	status=$?
	cat errors
	[ $status = 0 ] || { cat output; fail "status $status: $*"; }
	[ ! -s errors ] || fail "lkvm has something to say: $*"
	[ "$(cat output)" = "$want" ] || { cat output; fail "the guest's report: $*"; }
}

# How they look for the binary, and for a test that cannot be run here.
"$LKVM" --help 2>/dev/null | grep -q 'The most commonly used' || fail "lkvm --help"
"$LKVM" run --kernel _NO_FILE_4Uhere_ --nodefaults --network mode=none --loglevel=warning --cpus 2 \
	</dev/null >output 2>&1 && fail "a kernel that is not there"
grep -q "Fatal: Unable to open kernel _NO_FILE_4Uhere_" output || { cat output; fail "a missing kernel"; }

# No newline at its end, and of an odd length.
printf 'NR_CPUS=2\nMACHINE=kvmtool\nERRATA_9e3f7a296940=y\nlast=line' >env
expect "el: 1
cpus: 1
arguments: 
initrd:" --cpus 1
expect "el: 1
cpus: 2
arguments: setup smp=2 mem=256
initrd:
$(cat env)" --cpus 2 --params "setup smp=2 mem=256" --mem 256 --initrd env
expect "el: 1
cpus: 1
arguments: smp -c 3 'a b'
initrd:
$(cat env)" --cpus 1 --params "smp -c 3 'a b'" --irqchip=gicv3 --initrd env
expect "el: 1
cpus: 1
arguments: cycle-counter 0
initrd:" --cpus 1 --params "cycle-counter 0" --pmu
exit 0
