# SPDX-License-Identifier: GPL-2.0-or-later
# SIGINT ends it within a second, with 128 + 2.
start lkvm_run -p "$(guest hello "" lab.end=hang)"
wait_output "lab-guest: status 0"
kill -INT "$vm_pid"
expect_end $ST_INT 2
