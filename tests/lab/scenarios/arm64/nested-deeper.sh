# SPDX-License-Identifier: GPL-2.0-or-later
# Three levels: a guest at EL2 whose guest is at EL2 too and runs one of its own. Hours under emulation.
# run: named
# timeout: 14400
# host: mem=3G
LAB_LIMIT=14000
GUEST_CONSOLE=hvc0
# The second level finds the third in its own second initrd, as the first finds the second.
nested_prepare
mkdir -p root/inner
kernel sid
cp "$LAB_KERNEL" root/inner/Image
cp "$LAB_INITRD" root/inner/initrd.cpio.gz
cp "$(command -v lkvm-static)" root/inner/lkvm
mv inner.cpio root/inner/deeper.cpio
(cd root && find . | cpio -o -H newc) >inner.cpio 2>/dev/null
rm -r root
head -c 2097152 /dev/urandom >outer.img
# Of the outer disk's second half the second, and of that what the innermost guest reads.
sum=$(dd if=outer.img bs=1024 skip=1536 count=256 2>/dev/null | md5sum | cut -d ' ' -f 1)
expect_status $ST_OK lkvm_run --nested -m 1200 -i inner.cpio -d outer.img --console virtio \
	-p "$(guest nested virtio_blk,virtio_console) kvm-arm.mode=nested lab.kib=1024 lab.limit=13500 \
lab.inner=--nested,-m,512,-i,/inner/deeper.cpio lab.inner-run=nested.sh lab.inner-words=lab.limit=13000,loglevel=7,earlycon"
[ "$(grep -ac "^outer: CPU: All CPU(s) started at EL2" "$OUT")" = 2 ] || fail "not two guests at EL2"
expect_output "^inner: .*started at EL1"
expect_output "^inner: sum $sum"
[ "$(grep -ac "^outer: inner status 0" "$OUT")" = 2 ] || fail "not both inner guests ended well"
[ "$(grep -ac "^outer: missing kernel status $ST_START" "$OUT")" = 2 ] || fail "a status was lost"
expect_same "what the innermost guest wrote" "$sum" \
	"$(dd if=outer.img bs=1024 skip=1792 count=256 2>/dev/null | md5sum | cut -d ' ' -f 1)"
