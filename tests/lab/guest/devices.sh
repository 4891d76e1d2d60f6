# SPDX-License-Identifier: GPL-2.0-or-later
# Every device that Linux found, what it negotiated with the virtio ones, and how they interrupt once
# each CPU has used them.
. /initlib.sh
for device in /sys/bus/pci/devices/*; do
	[ ! -e "$device" ] || echo "pci: $(cat "$device/vendor" "$device/device" | tr '\n' ' ')"
done
for device in /sys/bus/virtio/devices/*; do
	[ -e "$device" ] || continue
	echo "virtio: $(basename "$(readlink "$device/driver")") $(cat "$device/features")"
done
if [ "$(lab_param lab.net)" = dhcp ]; then
	ip link set eth0 up
	udhcpc -i eth0 -n -q -t 10 -s /scripts/udhcpc.sh
fi
for cpu in $(awk '/^processor/ { print $3 }' /proc/cpuinfo); do
	[ ! -e /dev/vda ] ||
		taskset -c "$cpu" dd if=/dev/vda of=/dev/null bs=4k count=64 iflag=direct 2>/dev/null
	[ ! -e /dev/hwrng ] || taskset -c "$cpu" dd if=/dev/hwrng of=/dev/null bs=64 count=4 2>/dev/null
done
# Each CPU's counts become their sum.
awk 'NR == 1 { cpus = NF; next } {
	sum = 0
	for (i = 2; i < 2 + cpus; i++) sum += $i
	rest = ""
	for (; i <= NF; i++) rest = rest " " $i
	print "irq: " $1 " " sum rest
}' /proc/interrupts
