# SPDX-License-Identifier: GPL-2.0-or-later
# The PL031 shows the host's time, Linux takes it for its own, and its alarm comes.
# timeout: 120
before=$(date +%s)
expect_status $ST_OK lkvm_run -c 2 -p "$(guest rtc)"
after=$(date +%s)
expect_output "lab-guest: status 0"
expect_output "rtc: alarm"
# between WHAT SECONDS
between() {
	[ -n "$2" ] && [ "$2" -ge "$before" ] && [ "$2" -le "$after" ] ||
		fail "$1 showed '$2', it was between $before and $after"
}
line=$(sed -n 's/^rtc: rtc-pl031 .* hctosys 1 is at \([0-9]*\), Linux at \([0-9]*\).*/\1 \2/p' "$OUT")
between "the clock" "${line% *}"
between "Linux" "${line#* }"
