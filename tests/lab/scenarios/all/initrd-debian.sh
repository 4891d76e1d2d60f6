# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's own initrd finds an ext4 root on virtio-blk and hands over to its init.
# timeout: 300
kernel stock "$LAB_IMAGE"
[ -s "$LAB_KERNELS/stock/initrd.debian" ] || skip "no Debian initrd could be made here"
mkdir -p root/bin root/dev root/proc root/sys root/run root/tmp root/etc
cp "$LAB_BUSYBOX" root/bin/busybox
cat >root/init <<'EOF'
#!/bin/busybox sh
/bin/busybox mount -o remount,rw /
/bin/busybox uname -a
/bin/busybox grep ' / ' /proc/mounts
echo "lab-guest: status 0"
/bin/busybox sync
/bin/busybox poweroff -f
EOF
chmod +x root/init
$LAB_TOOLS/mke2fs -q -t ext4 -d root root.img 64M || fail mke2fs
LAB_LIMIT=240
LAB_INITRD=$LAB_KERNELS/stock/initrd.debian
expect_status $ST_OK lkvm_run -m 512 -d root.img -p "console=$LAB_CONSOLE panic=-1 quiet root=/dev/vda init=/init"
expect_output "^Linux .* $LAB_RELEASE "
expect_output "^/dev/vda / ext4 rw"
expect_output "lab-guest: status 0"
