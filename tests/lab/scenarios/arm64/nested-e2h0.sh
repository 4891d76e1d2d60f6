# SPDX-License-Identifier: GPL-2.0-or-later
# The same without VHE: the outer guest's kernel brings KVM up in nVHE mode.
# timeout: 900
kernel sid
LAB_LIMIT=800
GUEST_CONSOLE=hvc0
nested_prepare
nested_run --console virtio --e2h0
expect_output "^outer: kvm \[1\]: (nVHE|Hyp).* mode initialized successfully"
