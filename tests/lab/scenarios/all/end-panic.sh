# SPDX-License-Identifier: GPL-2.0-or-later
# A guest panic has a status of its own, though panic=-1 resets at once.
expect_status $ST_PANIC lkvm_run -p "$(guest panic)"
expect_output "Kernel panic"
