# SPDX-License-Identifier: GPL-2.0-or-later
# A newer kernel, which the suite offers beside its own, boots.
# kernel: backport
kernel backport "$LAB_IMAGE"
expect_status $ST_OK lkvm_run -p "$(guest hello)"
expect_output "^Linux .* $LAB_RELEASE "
expect_output "lab-guest: status 0"
