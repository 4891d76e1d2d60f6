# SPDX-License-Identifier: GPL-2.0-or-later
# SIGTERM ends it within a second, with 128 + 15.
# run: once
start lkvm_run -p "$(guest hello "" lab.end=hang)"
wait_output "lab-guest: status 0"
kill -TERM "$vm_pid"
expect_end $ST_TERM 2
