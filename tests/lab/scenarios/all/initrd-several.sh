# SPDX-License-Identifier: GPL-2.0-or-later
# Several -i make one initrd, whatever they come from.
# run: once
mkdir -p more/scripts
echo 'echo "from the second archive"; cat /scripts/hello.sh | wc -l; cat /third' >more/scripts/second.sh
(cd more && find . | cpio -o -H newc) >more.cpio 2>/dev/null
mkdir third
echo "from the third archive" >third/third
mkfifo pipe
(cd third && find . | cpio -o -H newc) >pipe 2>/dev/null &
expect_status $ST_OK lkvm_run -i more.cpio -i pipe -p "$(guest second)"
expect_output "from the second archive"
expect_output "from the third archive"
expect_output "lab-guest: status 0"
