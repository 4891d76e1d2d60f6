# SPDX-License-Identifier: GPL-2.0-or-later
# What Linux made of the first disk's features, and a discard of its middle.
vda=/sys/block/vda
echo "serial: $(cat $vda/serial)"
echo "queues: $(ls $vda/mq | wc -l)"
echo "sectors: $(cat $vda/queue/logical_block_size) $(cat $vda/queue/physical_block_size)"
echo "segments: $(cat $vda/queue/max_segments)"
echo "zeroes: $(cat $vda/queue/write_zeroes_max_bytes)"
echo "cache: $(cat $vda/cache_type)"
# Written from both CPUs, so through both queues.
for cpu in 0 1; do
	taskset $((1 << cpu)) dd if=/dev/urandom of=/dev/vda bs=64k count=64 seek=$((cpu * 64)) \
		oflag=direct 2>/dev/null || echo "cpu $cpu: dd failed"
done
blkdiscard -o $((2 << 20)) -l $((4 << 20)) /dev/vda && echo "discarded"
echo "write through" >$vda/cache_type
echo "cache: $(cat $vda/cache_type)"
dd if=/dev/urandom of=/dev/vda bs=4k count=16 seek=2032 oflag=direct 2>/dev/null
echo 3 >/proc/sys/vm/drop_caches
echo "sum: $(md5sum </dev/vda | cut -d ' ' -f 1)"
