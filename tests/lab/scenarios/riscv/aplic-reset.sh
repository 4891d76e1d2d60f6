# SPDX-License-Identifier: GPL-2.0-or-later
# An interrupt source that one life of a guest has configured and made pending is as after power-on in the next,
# and so are the boot hart and its own interrupts: the disk works in both.
# timeout: 120
truncate -s 1M lives.img
expect_status $ST_OK lkvm_run --reboot -c 2 -d lives.img \
	-p "$(guest aplic virtio_blk "lab.end=reboot iomem=relaxed")"
expect_output "lab-guest: status 0"
[ "$(grep -ac '^aplic begins: 0x00000000 0x[0-9A-F]* 0x00000000 0x0000000[01]' "$OUT")" = 2 ] || fail "not two fresh lives"
[ "$(grep -ac '^aplic ends: 0x00000001 .* 0x000000C8' "$OUT")" = 2 ] || fail "the APLIC was not written"
