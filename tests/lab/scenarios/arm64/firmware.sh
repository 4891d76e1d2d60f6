# SPDX-License-Identifier: GPL-2.0-or-later
# A firmware is entered at its first byte with the device tree in x0, beside a flash and the clocks it
# wants. Linux can be taken for one: its Image may be loaded so, and finds no root file system.
# timeout: 240
kernel stock
head -c 4194304 /dev/urandom >flash.img
expect_status $ST_PANIC lkvm run --nodefaults --firmware "$LAB_KERNEL" --flash flash.img -m 256 -c 1 \
	--dump-dtb tree.dtb --timeout 100 -p "console=ttyS0 panic=-1"
expect_output "Unable to mount root fs"
expect_output "rtc-pl031 1010000.*: setting system clock to|rtc-pl031 1010000.*: registered as rtc0"
"$LAB_TOOLS/dtc" -I dtb -O dts -o "$OUT" tree.dtb 2>warnings || fail "dtc: $(cat warnings)"
[ ! -s warnings ] || fail "$(cat warnings)"
expect_output 'flash@2000000'
expect_output 'rtc@1020000'
expect_status $ST_START lkvm run --nodefaults --firmware /none -m 256 -c 1
expect_output 'Fatal: Unable to open firmware /none: No such file'
expect_status $ST_USAGE lkvm run --nodefaults --firmware "$LAB_KERNEL" -k "$LAB_KERNEL" -m 256
expect_output 'it runs instead of a kernel'
expect_status $ST_START lkvm run --nodefaults --firmware "$LAB_KERNEL" -m 16 -c 1
expect_output "are not in the guest's memory"
truncate -s 17M large.img
expect_status $ST_START lkvm run --nodefaults -k "$LAB_KERNEL" -m 256 -c 1 --flash large.img
expect_output '--flash large.img: '
