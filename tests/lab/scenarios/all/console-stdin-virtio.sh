# SPDX-License-Identifier: GPL-2.0-or-later
# Bytes from a pipe reach the guest through virtio-console, none lost.
# run: once
# timeout: 240
# 80000 bytes in lines, counted and summed by the guest.
i=0
while [ $i -lt 1600 ]; do printf 'line %04d of the input, some forty and nine bytes\n' $i; i=$((i + 1)); done >lines
mkfifo in
(LAB_EXEC=exec; lkvm_run --console virtio -p "$(GUEST_CONSOLE=hvc0 guest console-stdin virtio_console)" <in >"$T/console" 2>&1) &
vm_pid=$!
exec 6>in
wait_output "^ready" 100
cat lines >&6
printf 'end\n' >&6
wait_output "lab-guest: status 0" 100
exec 6>&-
expect_end $ST_OK
expect_same "what was typed and what came" "$(sum lines)" "$(sed -n 's/^sum: \([0-9a-f]*\).*/\1/p' "$T/console")"
