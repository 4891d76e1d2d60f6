# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel that panics and stays as it is has ended, when it has said everything.
LAB_LIMIT=140
expect_status $ST_PANIC lkvm_run -c 2 -p "console=$LAB_CONSOLE panic=0 quiet lab.run=panic.sh lab.modules="
expect_output "---\[ end Kernel panic - not syncing: .* \]---"
expect_no_output "did not end"
