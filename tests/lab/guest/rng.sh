# SPDX-License-Identifier: GPL-2.0-or-later
# The hardware random number generator: which one, what it hangs on, whether it delivers.
echo "rng: $(cat /sys/class/misc/hw_random/rng_current)"
for device in /sys/bus/virtio/drivers/virtio_rng/virtio*; do
	echo "on: $(readlink -f "$device")"
done
echo "bytes: $(dd if=/dev/hwrng bs=512 count=8 iflag=fullblock 2>/dev/null | wc -c)"
