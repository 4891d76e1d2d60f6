# SPDX-License-Identifier: GPL-2.0-or-later
# Two lives, told apart by the disk: is an interrupt that nothing is wired to pending? It is left so.
# GICD_ISPENDR of INTIDs 64 to 95; gsi 60 is INTID 92.
register=0x3fff0208
echo "pending: $(devmem $register 32)"
devmem $register 32 0x10000000
echo "pending now: $(devmem $register 32)"
if [ "$(head -c 1 /dev/vda)" = 2 ]; then
	echo "lab-guest: status 0"
	poweroff -f
fi
echo 2 | dd of=/dev/vda conv=notrunc,fsync 2>/dev/null
