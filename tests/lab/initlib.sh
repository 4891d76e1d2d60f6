# SPDX-License-Identifier: GPL-2.0-or-later
# What the first process does in the emulated host and in the guests alike. Sourced
# by busybox's shell as /initlib.sh.

lab_mounts() {
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mount -t devtmpfs dev /dev 2>/dev/null
	mkdir -p /dev/pts /dev/shm /tmp /run /mnt
	mount -t devpts pts /dev/pts
	mount -t tmpfs -o mode=1777 tmp /dev/shm
	mount -t tmpfs -o mode=1777 tmp /tmp
	ln -sf /proc/self/fd /dev/fd
	ip link set lo up
}

# lab_modprobe NAMES...: loads modules that the initramfs carries, with what they need.
# A name that it does not carry is built into the kernel, or will be missed later.
lab_modprobe() {
	local name module
	for name; do
		for module in $(cat "/modules/$name.list" 2>/dev/null); do
			[ -d "/sys/module/$module" ] || insmod "/modules/$module.ko"
		done
	done
}

# lab_param NAME: the value of NAME=value on the kernel's command line.
lab_param() {
	local word
	for word in $(cat /proc/cmdline); do
		case $word in "$1="*) echo "${word#*=}" ;; esac
	done
}
