# SPDX-License-Identifier: GPL-2.0-or-later
# The folder of vhost-fs.sh, once: a file is read and written back.
set -e
mkdir -p /mnt
mount -t virtiofs "$(sed -n 's/.*lab.tag=\([^ ]*\).*/\1/p' /proc/cmdline)" /mnt
echo "got: $(md5sum </mnt/data | cut -d ' ' -f 1)"
cp /mnt/data /mnt/once
cmp /mnt/data /mnt/once
rm /mnt/once
umount /mnt
