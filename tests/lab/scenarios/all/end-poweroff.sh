# SPDX-License-Identifier: GPL-2.0-or-later
# poweroff in the guest ends lkvm with 0, quickly.
start lkvm_run -p "$(guest hello)"
wait_output "lab-guest: status 0"
expect_end $ST_OK 10
