# SPDX-License-Identifier: GPL-2.0-or-later
# An unmodified kernel boots from a folder of the host's, without an initrd.
kernel sid "$LAB_IMAGE"
mkdir root
(cd root && gzip -dc "$LAB_INITRD" | cpio -idm 2>/dev/null)
cat >root/scripts/share-root.sh <<'SCRIPT'
set -e
grep ' / ' /proc/mounts
cp /scripts/share-root.sh /copy
mv /copy /made
chown 12:34 /made
chmod 640 /made
ln -s made /link
sync
SCRIPT
expect_status $ST_OK lkvm run --nodefaults -k "$LAB_KERNEL" -c 2 -m 256 --timeout 150 --fs root,tag=top \
	-p "root=top rootfstype=virtiofs rw init=/init $(guest share-root)"
expect_output "^top / virtiofs rw"
expect_output "lab-guest: status 0"
cmp root/made root/scripts/share-root.sh || fail "what the guest copied is not the same"
expect_same "owner and mode" "12 34 640" "$(stat -c '%u %g %a' root/made)"
expect_same "link" made "$(readlink root/link)"
