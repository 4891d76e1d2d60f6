# SPDX-License-Identifier: GPL-2.0-or-later
# ext4 on virtio-blk: 256 MiB (64 where that is emulated) written at random places, flushed, remounted, compared.
# timeout: 420
LAB_LIMIT=200
LAB_BLK=virtio_blk,ext4,crc32c_generic
truncate -s 512M disk.img
$LAB_TOOLS/mkfs.ext4 -q -E lazy_itable_init=1 disk.img || fail mkfs
expect_status $ST_OK lkvm_run -d disk.img -p "$(guest blk-write "$LAB_BLK" lab.disk-mib=$(mib 256))"
expect_output "lab-guest: status 0"
wrote=$(sed -n 's/^sum: \([0-9a-f]*\).*/\1/p' "$OUT")
[ -n "$wrote" ] || fail "no checksum"
expect_status 0 $LAB_TOOLS/e2fsck -fn disk.img
$LAB_TOOLS/debugfs -R "dump /data $T/data" disk.img
expect_same "what the guest wrote and what is in the image" "$wrote" "$(sum "$T/data")"
rm "$T/data"
# A second guest, so that nothing comes out of the first one's cache.
expect_status $ST_OK lkvm_run -d disk.img -p "$(guest blk-read "$LAB_BLK")"
expect_output "^sum: $wrote"
