# SPDX-License-Identifier: GPL-2.0-or-later
# Four vCPUs: all are brought up and do work.
expect_status $ST_OK lkvm_run -c 4 -p "$(guest smp)"
expect_output "^cpus: 4"
expect_output "busy on 4"
expect_output "lab-guest: status 0"
# One package of four cores, one thread each.
expect_output "^packages: 1"
expect_output "^cores: 4"
