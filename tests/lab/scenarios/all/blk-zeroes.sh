# SPDX-License-Identifier: GPL-2.0-or-later
# Write-zeroes requests of a guest: the bytes are zero, and where that is allowed the space is given back.
# run: once
need_tool zero-out
mkdir -p more/bin
cp "$(command -v zero-out)" more/bin/
(cd more && find . | cpio -o -H newc) >more.cpio 2>/dev/null
for transport in pci mmio; do
	data_file disk.img 16
	expect_status $ST_OK lkvm_run --virtio-transport $transport -i more.cpio -d disk.img -p "$(guest zero-out virtio_blk)"
	expect_output "lab-guest: status 0"
	data_file want 16
	dd if=/dev/zero of=want bs=1M seek=2 count=4 conv=notrunc 2>/dev/null
	dd if=/dev/zero of=want bs=1M seek=8 count=4 conv=notrunc 2>/dev/null
	expect_same "the image" "$(sum disk.img)" "$(sum want)"
	expect_output "^sum: $(sum want)"
	[ "$(du -k disk.img | cut -f 1)" -le $((12 * 1024)) ] || fail "no space was given back: $(du -k disk.img)"
done
