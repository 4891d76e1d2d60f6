# SPDX-License-Identifier: GPL-2.0-or-later
# What legacy devices do: what was negotiated, the disk read and its second half written, random
# numbers, and net.sh's transfers.
. /initlib.sh
for device in /sys/bus/virtio/devices/*; do
	echo "virtio: $(basename "$(readlink "$device/driver")") $(cat "$device/features")"
done
echo "sum: $(md5sum </dev/vda | cut -d ' ' -f 1)"
dd if=/dev/vda of=/dev/vda bs=1M count=8 seek=8 conv=fsync 2>/dev/null
echo "random: $(dd if=/dev/hwrng bs=64 count=4 iflag=fullblock 2>/dev/null | wc -c)"
. /scripts/net.sh
