# SPDX-License-Identifier: GPL-2.0-or-later
# More bytes on stdin than any guest could take: it does its work and powers off all the same.
# run: once
# timeout: 300
flooded() {
	lkvm_run -c 2 -p "$(guest hello)" </dev/zero
}
LAB_LIMIT=120
expect_status $ST_OK flooded
expect_output "lab-guest: status 0"
