# SPDX-License-Identifier: GPL-2.0-or-later
# SIGINT ends it within a second, with 128 + 2.
# run: once
# Started in the foreground: what a shell starts in the background ignores SIGINT.
(
	left=300
	until grep -aq "lab-guest: status 0" "$OUT" 2>/dev/null || [ $left = 0 ]; do
		sleep 0.2
		left=$((left - 1))
	done
	cut -d . -f 1 /proc/uptime >sent
	kill -INT "$(cat pid)"
) &
expect_status $ST_INT sh -c 'echo $$ >pid; exec lkvm run "$@"' sh --nodefaults -k "$LAB_KERNEL" -i "$LAB_INITRD" \
	-c 1 -m 256 --timeout 90 -p "$(guest hello "" lab.end=hang)"
took=$(($(cut -d . -f 1 /proc/uptime) - $(cat sent)))
[ $took -le 3 ] || fail "took $took s"
