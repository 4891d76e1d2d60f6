# SPDX-License-Identifier: GPL-2.0-or-later
# SIGKILL while the guest writes: after the journal's replay the image is clean.
# run: once
# timeout: 240
truncate -s 512M disk.img
$LAB_TOOLS/mkfs.ext4 -q -E lazy_itable_init=1 disk.img || fail mkfs
start lkvm_run -d disk.img -p "$(guest blk-churn virtio_blk,ext4,crc32c_generic)"
wait_output "^round 3"
kill -KILL "$vm_pid"
expect_end $ST_KILL 5
# 1: replayed the journal and so changed the image. Then nothing may be left to mend.
$LAB_TOOLS/e2fsck -fp disk.img || [ $? = 1 ] || fail "the image needs more than its journal"
expect_status 0 $LAB_TOOLS/e2fsck -fn disk.img
# What the guest had synced before it said so is there.
for n in 1 2 3; do
	$LAB_TOOLS/debugfs -R "dump /synced$n $T/synced" disk.img 2>/dev/null
	expect_same "synced$n" "$(sed -n "s/^sum $n //p" "$T/console" | tr -d '\r')" "$(sum "$T/synced")"
done
