# SPDX-License-Identifier: GPL-2.0-or-later
# Standard input closed, and a standard output that goes away: no hang, no spin.
# run: once
expect_status $ST_OK lkvm_run -p "$(guest hello)" <&-
expect_output "lab-guest: status 0"
# The reader leaves after the first line; whatever lkvm makes of that, it ends.
{ timeout 60 lkvm run --nodefaults -k "$LAB_KERNEL" -i "$LAB_INITRD" -c 1 -m 256 -p "$(guest hello)" --timeout 50; echo $? >ended; } 2>&1 | head -n 1
[ "$(cat ended)" != 124 ] || fail "hung after its output was closed"
