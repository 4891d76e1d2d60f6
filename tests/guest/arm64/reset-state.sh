# SPDX-License-Identifier: GPL-2.0-or-later
run() {
	rm -f disk
	truncate -s 1M disk
	timeout -s KILL 60 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 2 --reboot --disk disk "$@" \
		</dev/null >output 2>errors
	status=$?
	if grep -q "does not offer it" errors; then
		echo "not on this host: $*"
		return
	fi
	cat errors output
	[ $status = 0 ] && grep -q "^reset-state ok$" output || { echo "FAIL status $status: $*"; exit 1; }
}

run
run --irqchip gicv3
run --irqchip gicv2m
exit 0
