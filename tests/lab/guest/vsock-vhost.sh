# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What comes from the host by vsock goes back to it, and its checksum is told.
vsock-cat receive 1025 >/tmp/came || exit
echo "got: $(md5sum </tmp/came | cut -d " " -f 1)"
vsock-cat send 2 1024 </tmp/came
