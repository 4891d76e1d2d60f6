# SPDX-License-Identifier: GPL-2.0-or-later
# NOR flash at its board address, without a driver: EDK2's order of commands, by hand. The argument is
# what the second block's first word must be now; it is changed to 0x12345678.
. /initlib.sh
base=$((0x2000000)) block=$((0x2010000))
get() { devmem "$1" 32; }
# both ADDRESS COMMAND: to both chips at once.
both() { devmem "$1" 32 $(($2 << 16 | $2)); }
expect() {
	[ $(($2)) = $(($3)) ] || {
		echo "flash: $1: $2, not $3"
		exit 1
	}
	echo "flash: $1"
}
expect "contents" "$(get $block)" "$(lab_param lab.arg)"
both $base 0x98
expect "query" "$(get $((base + 0x40)))" 0x00510051
both $((block + 8)) 0x90
expect "not locked" "$(get $((block + 8)))" 0
both $block 0x20
both $block 0xd0
both $base 0x70
expect "erased" "$(get $base)" 0x00800080
both $base 0xff
expect "ones" "$(get $((block + 0xfffc)))" 0xffffffff
both $block 0xe8
expect "buffer" "$(get $block)" 0x00800080
both $block 1
devmem $block 32 0x12345678
devmem $((block + 4)) 32 0x9abcdef0
both $base 0xd0
both $base 0x70
expect "programmed" "$(get $block)" 0x00800080
both $base 0x50
both $base 0xff
expect "first word" "$(get $block)" 0x12345678
expect "second word" "$(get $((block + 4)))" 0x9abcdef0
expect "the block before" "$(get $((block - 4)))" 0x5a5a5a5a
