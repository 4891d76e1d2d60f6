# SPDX-License-Identifier: GPL-2.0-or-later
# reboot in the guest ends lkvm with 0.
kernel stock "$LAB_IMAGE"
expect_status $ST_OK lkvm_run -p "$(guest hello "" lab.end=reboot)"
expect_output "lab-guest: status 0"
[ "$(grep -ac "lab-guest: status 0" "$OUT")" = 1 ] || fail "the guest was started again"
