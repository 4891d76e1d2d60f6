# SPDX-License-Identifier: GPL-2.0-or-later
# A host's block device with O_DIRECT: written through a file system, and refused while it is mounted.
# run: once
# needs: loop ext4 crc32c_generic
# timeout: 240
[ "$(id -u)" = 0 ] || skip "needs root"
truncate -s 384M disk.img
$LAB_TOOLS/mkfs.ext4 -q -E lazy_itable_init=1 disk.img || fail mkfs
loop=$(losetup -f) && losetup "$loop" disk.img || skip "no loop device"
LAB_LIMIT=200
expect_status $ST_OK lkvm_run -d "$loop,direct" -p "$(guest blk-write virtio_blk,ext4,crc32c_generic lab.disk-mib=64)"
expect_output "lab-guest: status 0"
wrote=$(sed -n 's/^sum: \([0-9a-f]*\).*/\1/p' "$OUT")
mkdir mnt
trap "umount mnt; losetup -d $loop" EXIT
mount -t ext4 "$loop" mnt || fail "the host cannot mount what the guest wrote"
expect_same "what the guest wrote and what the host reads" "$wrote" "$(sum mnt/data)"
expect_status $ST_START lkvm_run -d "$loop" -p "$(guest hello)"
expect_output "(Fatal|Error): .*(in use|mounted|busy)"
