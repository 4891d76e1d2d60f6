# SPDX-License-Identifier: GPL-2.0-or-later
# A folder by 9P: mounted as older scripts do and as the kernel's command line says of the root, used in both ways.
set -e
mkdir -p /mnt /top
options=trans=virtio,version=9p2000.L
mount -t 9p -o "$options,msize=512000,posixacl" kvm_9p /mnt
cd /mnt
echo "got: $(md5sum <data | cut -d ' ' -f 1)"
head -c 3000001 /dev/urandom >made
echo "made: $(md5sum <made | cut -d ' ' -f 1)"
mkdir folder
n=0
while [ $n -lt 300 ]; do
	: >"folder/file-with-a-longer-name-$n"
	n=$((n + 1))
done
echo "entries: $(ls folder | wc -l)"
mv folder renamed
rm -r renamed
exec 5>open
rm open
echo "still here" >&5
exec 5>&-
ln -s data link
ln data hard
echo "link: $(readlink link) $(stat -c %h hard)"
chown 12:34 made
chmod 4750 made
echo more >>made
echo "mode: $(stat -c '%u %g %a' made)"
mkfifo pipe
echo "pipe: $(stat -c %F pipe)"
rm pipe
dd if=/dev/zero of=sparse bs=1 count=1 seek=1000000 2>/dev/null
echo "sparse: $(stat -c %s sparse)"
truncate -s 5 sparse
echo "cut: $(stat -c %s sparse)"
df . | tail -n 1 | sed 's/ .*//;s/^/file system: /'
cd /
mount -t 9p -o "$(sed -n 's/.*rootflags=\([^ ]*\).*/\1/p' /proc/cmdline)" /dev/root /top
echo "top: $(cat /top/name)"
if touch /top/new; then echo "written"; fi
mount -t 9p -o "$options" looked /top
if touch /top/new 2>/dev/null; then echo "wrong: written"; else echo "read-only"; fi
umount /top
umount /mnt
