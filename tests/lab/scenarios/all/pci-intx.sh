# SPDX-License-Identifier: GPL-2.0-or-later
# PCI without message-signalled interrupts: each pin of a slot is routed, and levels are raised and lowered.
data_file disk.img 8
cp disk.img two.img
cp disk.img three.img
cp disk.img four.img
cp disk.img five.img
expect_status $ST_OK lkvm_run -c 2 -d disk.img -d two.img -d three.img -d four.img -d five.img \
	-p "$(guest intx virtio_blk) pci=nomsi"
for disk in vda vdb vdc vdd vde; do
	expect_output "^$disk: $(sum disk.img)"
done
# Five functions on the bus share the board's lines, none of them a message.
lines=4
[ "$LAB_ARCH" != x86 ] || lines=2
expect_output "^lines: $lines"
expect_output "^messages: 0"
expect_no_output "nobody cared|spurious"
