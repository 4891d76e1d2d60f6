# SPDX-License-Identifier: GPL-2.0-or-later
# lives OPTION...: which there were
lives() {
	timeout 20 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 "$@" >output </dev/null
	status=$?
	[ $status = 0 ] || { echo "FAIL status $status $*"; exit 1; }
	grep -o 'life [0-9]' output | cut -d ' ' -f 2 | paste -sd ' ' -
}

once=$(lives)
[ "$once" = 1 ] || { echo "FAIL lives without --reboot: $once"; exit 1; }
all=$(lives --reboot)
[ "$all" = "1 2 3" ] || { echo "FAIL lives with --reboot: $all"; exit 1; }
