# SPDX-License-Identifier: GPL-2.0-or-later
# 4 MiB zeroed in a way that nothing stands in for, and 4 MiB zeroed that stay allocated.
set -e
zero-out /dev/vda $((2 << 20)) $((4 << 20)) punch
zero-out /dev/vda $((8 << 20)) $((4 << 20))
echo 3 >/proc/sys/vm/drop_caches
echo "sum: $(md5sum </dev/vda | cut -d ' ' -f 1)"
