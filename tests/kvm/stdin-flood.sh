# SPDX-License-Identifier: GPL-2.0-or-later
# More input than anybody can read does not keep the guest from its work.
. "${0%/*}/lib/case.sh"

flooded() {
	timeout 50 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 >output 2>errors || fail "status $? with $1"
	grep -q "all work is done" output || fail "no work is done with $1"
}

flooded /dev/zero </dev/zero
yes | flooded yes
