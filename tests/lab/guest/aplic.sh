# SPDX-License-Identifier: GPL-2.0-or-later
# Two lives, told apart by the disk: what is left of a source that nothing is wired to, configured, enabled and
# pending? It is left so. Source 60 of riscv64's APLIC: sourcecfg, setie, setip, target.
show() {
	echo "aplic $1: $(devmem 0x0b0000f0 32) $(devmem 0x0b001e04 32) $(devmem 0x0b001c04 32) $(devmem 0x0b0030f0 32)"
}
show begins
devmem 0x0b0000f0 32 1
devmem 0x0b0030f0 32 200
devmem 0x0b001c04 32 0x10000000
show ends
if [ "$(head -c 1 /dev/vda)" = 2 ]; then
	echo "lab-guest: status 0"
	poweroff -f
fi
echo 2 | dd of=/dev/vda conv=notrunc,fsync 2>/dev/null
