# SPDX-License-Identifier: GPL-2.0-or-later
# What a guest writes to its NOR flash is there the next time, and in the file; a second user is refused.
# timeout: 240
kernel stock
head -c 131072 /dev/zero | tr '\000' Z >flash.img
for word in 0x5a5a5a5a 0x12345678; do
	expect_status $ST_OK lkvm_run --flash flash.img -c 2 -p "$(guest flash '' lab.arg=$word)"
	expect_output "flash: second word"
	expect_output "lab-guest: status 0"
done
expect_same "the file" "$(od -An -tx1 -j 65536 -N 12 flash.img)" \
	" 78 56 34 12 f0 de bc 9a ff ff ff ff"
expect_same "its first block" "$(head -c 65536 flash.img | tr -d Z | wc -c)" 0
expect_status $ST_START lkvm_run --flash flash.img --disk flash.img -p "$(guest hello)"
expect_output "--flash flash.img: in use by another option of this guest"
