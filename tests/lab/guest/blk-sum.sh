# SPDX-License-Identifier: GPL-2.0-or-later
# The first disk's checksum and what it hangs on; what the second one is.
echo "sum: $(md5sum </dev/vda | cut -d ' ' -f 1)"
echo "on: $(readlink -f /sys/block/vda)"
[ ! -e /sys/block/vdb ] ||
	echo "vdb: ro $(cat /sys/block/vdb/ro) size $(cat /sys/block/vdb/size)"
