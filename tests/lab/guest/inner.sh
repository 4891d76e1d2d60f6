# SPDX-License-Identifier: GPL-2.0-or-later
# The guest inside a guest: reads its disk, writes an answer behind what it read.
echo "inner: $(uname -r), $(dmesg | sed -n 's/^.*CPU: //; /started at/p')"
echo "inner: sum $(dd if=/dev/vda bs=1024 count=256 2>/dev/null | md5sum | cut -d ' ' -f 1)"
echo "inner: msi $(grep -c -i 'ITS.*MSI\|MSI' /proc/interrupts)"
dd if=/dev/vda of=/dev/vda bs=1024 count=256 seek=256 conv=notrunc,fsync 2>/dev/null
