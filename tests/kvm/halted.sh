# SPDX-License-Identifier: GPL-2.0-or-later
# A halted guest hears what its operator asks for.
. "${0%/*}/lib/case.sh"

state() {
	"$LKVM" stat --name halted --json | grep -q "\"state\": *\"$1\""
}

"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 2 --name halted >output 2>errors </dev/null &
pid=$!
until_printed halted
"$LKVM" pause --name halted || fail "pause"
until_it state paused
"$LKVM" resume --name halted || fail "resume"
until_it state running
"$LKVM" stop --name halted || fail "stop"
ended 143
