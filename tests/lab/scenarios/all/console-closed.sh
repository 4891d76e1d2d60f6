# SPDX-License-Identifier: GPL-2.0-or-later
# Standard input closed, and a standard output whose reader goes: the guest ends with it, unless it shall go on.
# run: once
expect_status $ST_OK lkvm_run -p "$(guest hello)" <&-
expect_output "lab-guest: status 0"
{ got=0; lkvm_run -p "$(guest hello)" 2>err || got=$?; echo $got >ended; } | head -n 1
expect_same "status" "$(cat ended)" 141
expect_output "Nobody reads the console" err
# This one says nothing before its reader has gone.
{ got=0; lkvm_run -p "$(guest hello)" 2>err || got=$?; echo $got >ended; } | true
expect_same "status of a silent guest" "$(cat ended)" 141
{ got=0; lkvm_run --keep-running -p "$(guest hello)" 2>err || got=$?; echo $got >ended; } | head -n 1
expect_same "status with --keep-running" "$(cat ended)" $ST_OK
got=0
lkvm_run -p "$(guest hello)" >/dev/full 2>err || got=$?
expect_same "status on a full disk" $got $ST_RUNTIME
expect_output "Warning: The guest.s console output cannot be written.*No space left" err
