# SPDX-License-Identifier: GPL-2.0-or-later
# What lkvm counted of accesses that convert pages: each converts its own, and the very first is refused twice, as until then
# lkvm takes a software-protected guest's accesses for saying nothing.
. "${0%/*}/private-steps.sh"

# counted KEY NUMBER
counted() {
	grep -q "\"$1\": $2[,}]" stat || give_up "$1 is not $2: $(grep -o "\"$1\": [0-9]*" stat)"
}

# counts PREFAULTED WORDS...
counts() {
	prefaulted=$1
	shift
	rm -f in
	mkfifo in
	"$LKVM" run --nodefaults --name "access-kinds-$$" -k "$GUEST" -m 64 -c 1 --vm-type sw-protected \
		"$@" <in >console 2>errors &
	pid=$!
	exec 3>in
	at converted
	"$LKVM" stat --json "access-kinds-$$" >stat || give_up "stat"
	echo >&3
	wait "$pid" || give_up "status $?"
	exec 3>&-
	grep -q "^access kinds ok" console || give_up "the end is missing"
	grep -q "^conversions 0*35" console || give_up "not the conversions that are meant"
	counted conversions_by_access 53
	counted memory_faults 54
	counted memory_fault 54
	counted hypercalls 3
	counted conversions_refused 0
	counted prefaulted_pages "$prefaulted"
	counted prefault_failures 0
}

counts $((53 + 3 * 8))
counts 0 --no-prefault
exit 0
