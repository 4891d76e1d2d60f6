# SPDX-License-Identifier: GPL-2.0-or-later
# A guest at EL2 runs a guest of its own, with VHE: disks, consoles and statuses at both levels.
# timeout: 600
kernel sid
LAB_LIMIT=500
GUEST_CONSOLE=hvc0
nested_prepare
nested_run --console virtio
expect_output "^outer: kvm \[1\]: VHE mode initialized successfully"
