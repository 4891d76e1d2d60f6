# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Echoes what comes; messages to the host; what comes from the host goes back to it, and its checksum is told.
vsock-mux talk 1026 || exit
vsock-cat send 2 5000 </dev/null || echo "refused"
vsock-mux echo 1030 &
vsock-cat receive 1025 >/tmp/came || exit
echo "got: $(md5sum </tmp/came | cut -d " " -f 1)"
vsock-cat send 2 1024 </tmp/came
