# SPDX-License-Identifier: GPL-2.0-or-later
# Multi-queue, discard, serial number, cache mode, as Linux sees and uses them.
# run: once
truncate -s 16M disk.img
expect_status $ST_OK lkvm_run -c 2 -d disk.img -p "$(guest blk-features virtio_blk)"
expect_output "^serial: lkvm-disk0"
expect_output "^queues: 2"
expect_output "^sectors: 512 "
expect_output "^segments: 254"
expect_output "^zeroes: 33554432"
expect_output "^cache: write back"
expect_output "^discarded"
expect_output "^cache: write through"
expect_same "what the guest read and the image" "$(sed -n 's/^sum: \([0-9a-f]*\).*/\1/p' "$OUT")" "$(sum disk.img)"
expect_same "bytes of the discarded range that are not zero" \
	"$(dd if=disk.img bs=1M skip=2 count=4 2>/dev/null | tr -d '\000' | wc -c)" 0
