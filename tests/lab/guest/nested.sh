# SPDX-License-Identifier: GPL-2.0-or-later
# In a guest at EL2: a guest of its own, from what the second initrd brought to /inner. Its
# disk and its console are virtio. lab.inner has more options for it, with commas for blanks;
# lab.inner-run is what it does (inner.sh), lab.inner-words more for its command line;
# lab.limit is its time limit in seconds (400), lab.kib half of the disk's size (512).
. /initlib.sh
dmesg | grep -E 'CPU\(s\) started at|kvm \[1\]: .*(VHE|nVHE|HYP|Hyp) mode' | sed 's/^.*\] //; s/^/outer: /'
echo "outer: cpus $(grep -c ^processor /proc/cpuinfo)"
ls -l /dev/kvm
kib=$(lab_param lab.kib)
kib=${kib:-512}
run=$(lab_param lab.inner-run)
limit=$(lab_param lab.limit)
modules=virtio_pci,virtio_mmio,virtio_console,virtio_blk
# The outer disk's first half is for this guest, the second for the inner one.
dd if=/dev/vda of=/tmp/inner.img bs=1024 count="$kib" skip="$kib" 2>/dev/null
status=0
/inner/lkvm run --nodefaults -k /inner/Image -i /inner/initrd.cpio.gz -c 1 -m 128 \
	-d /tmp/inner.img --console virtio --timeout "${limit:-400}" $(lab_param lab.inner | tr , ' ') \
	-p "console=hvc0 panic=-1 quiet lab.run=${run:-inner.sh} lab.modules=$modules $(lab_param lab.inner-words | tr , ' ')" \
	</dev/null || status=$?
echo "outer: inner status $status"
dd if=/tmp/inner.img of=/dev/vda bs=1024 count="$kib" seek="$kib" conv=notrunc,fsync 2>/dev/null
# A status of lkvm's own comes through as well.
status=0
/inner/lkvm run --nodefaults -k /inner/none -m 128 2>&1 || status=$?
echo "outer: missing kernel status $status"
