# SPDX-License-Identifier: GPL-2.0-or-later
# What a riscv64 guest finds of its CPUs and of the firmware below it. Argument "suspend": it suspends itself, too.
sed -n '/^isa/p; /^mvendorid/p; /^marchid/p; /^mimpid/p; /^mmu/p' /proc/cpuinfo | sort -u
dmesg | sed -n 's/^\[[^]]*\] //; /SBI /p; /stolen time/p; /riscv: ELF/p; /riscv: base/p'
[ "$1" != suspend ] || {
	before=$(cut -d. -f1 /proc/uptime)
	echo mem >/sys/power/state && echo "suspend: back"
	echo "cpus after: $(grep -c ^processor /proc/cpuinfo)"
	dmesg | sed -n 's/^\[[^]]*\] //; /PM: suspend e/p'
	sleep 1
	[ "$(cut -d. -f1 /proc/uptime)" -ge "$before" ] || echo "time ran backwards"
	# Interrupts of devices, too, are as they were; whatever was read of it before is not asked for again.
	[ ! -e /dev/vda ] || dd if=/dev/vda bs=4096 skip=100 count=16 2>/dev/null | md5sum | sed 's/^/disk after: /'
}
