# SPDX-License-Identifier: GPL-2.0-or-later
# A disk that another lkvm writes is refused; read-only sharing is not.
# run: once
truncate -s 8M disk.img
start lkvm_run -d disk.img -p "$(guest hello "" lab.end=hang)"
wait_output "lab-guest: status 0"
expect_status $ST_START lkvm_run -d disk.img -p "$(guest hello)"
expect_output "disk.img"
kill "$vm_pid"
expect_end $ST_TERM 5
expect_status $ST_OK lkvm_run -d disk.img -p "$(guest hello)"
