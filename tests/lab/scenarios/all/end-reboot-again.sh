# SPDX-License-Identifier: GPL-2.0-or-later
# With --reboot the same process starts the guest again.
start lkvm_run --reboot -p "$(guest hello "" lab.end=reboot)"
n=0
until [ "$(grep -ac "lab-guest: status 0" "$T/console")" -ge 2 ]; do
	[ -d "/proc/$vm_pid" ] || { cat "$T/console"; fail "ended instead of starting again"; }
	[ $n -lt 180 ] || { cat "$T/console"; fail "not started again in 90 s"; }
	n=$((n + 1))
	sleep 0.5
done
kill "$vm_pid"
expect_end $ST_TERM 5
