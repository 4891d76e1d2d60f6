# SPDX-License-Identifier: GPL-2.0-or-later
# Reads its disk, and then uses more memory than the host may have for it.
echo "sum: $(md5sum </dev/vda)"
mkdir /tmp/big
mount -t tmpfs -o size=150m big /tmp/big
head -c 125829120 /dev/zero >/tmp/big/a
