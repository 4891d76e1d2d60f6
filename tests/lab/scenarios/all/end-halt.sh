# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel that halts has ended, with whatever number of CPUs; one whose users print its last words goes on. On hvc0
# they may not be heard any more.
expect_status $ST_OK lkvm_run -c 2 -p "$(guest words "" lab.end=halt)"
expect_output "words: still here"
expect_output "lab-guest: status 0"
expect_output "reboot: System halted"
expect_status $ST_OK lkvm_run -c 2 --console virtio -p "$(GUEST_CONSOLE=hvc0 guest hello virtio_console lab.end=halt)"
expect_output "lab-guest: status 0"
