# SPDX-License-Identifier: GPL-2.0-or-later
# The checksum of what blk-write.sh left.
set -e
mount -t ext4 -o ro /dev/vda /mnt
echo "sum: $(md5sum </mnt/data | cut -d ' ' -f 1)"
umount /mnt
