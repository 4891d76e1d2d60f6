# SPDX-License-Identifier: GPL-2.0-or-later
# Several -i make one initrd.
# run: once
mkdir -p more/scripts
echo 'echo "from the second archive"; cat /scripts/hello.sh | wc -l' >more/scripts/second.sh
(cd more && find . | cpio -o -H newc) >more.cpio 2>/dev/null
expect_status $ST_OK lkvm_run -i more.cpio -p "$(guest second)"
expect_output "from the second archive"
expect_output "lab-guest: status 0"
