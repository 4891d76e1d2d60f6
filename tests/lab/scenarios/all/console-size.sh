# SPDX-License-Identifier: GPL-2.0-or-later
# hvc0 has the terminal's size from the start: nobody changes it. A guest that waits for it in vain ends by --timeout.
# run: once
stty -F /dev/console rows 33 cols 101
GUEST_CONSOLE=hvc0
got=0
LAB_LIMIT=90 lkvm_run --console virtio -p "$(guest console-size virtio_console lab.arg=33,101)" </dev/null >/dev/console || got=$?
expect_same "status" $got $ST_OK
