# SPDX-License-Identifier: GPL-2.0-or-later
# Private memory whose shared half is huge pages of a pool, of which single pages are converted.
# host: kernel=sw-protected
# timeout: 600
kernel stock
need_root
data_file disk.img 8
pool=/sys/kernel/mm/hugepages/hugepages-2048kB
before=$(cat $pool/nr_hugepages)
trap 'echo $before >$pool/nr_hugepages' EXIT
echo $((before + 128)) >$pool/nr_hugepages
[ "$(cat $pool/free_hugepages)" -ge 128 ] || fail "no 128 huge pages to be had here, but $(cat $pool/free_hugepages)"
expect_status $ST_OK lkvm_run --vm-type sw-protected --mem-backend hugetlb,size=2M -c 2 -d disk.img \
	-p "$(guest blk-sum virtio_blk)"
expect_output "lab-guest: status 0"
expect_output "^sum: $(sum disk.img)"
# The same guests as with other memory, by an lkvm that gives each of them this one.
mkdir bin
cat >bin/lkvm <<SH
#!/bin/sh
[ "\$1" != run ] || { shift; set -- run --mem-backend hugetlb,size=2M "\$@"; }
exec $(command -v lkvm) "\$@"
SH
chmod +x bin/lkvm
PATH=$T/bin:$PATH
bare_guests x86/'private-*'
expect_same "huge pages free afterwards" $((before + 128)) "$(cat $pool/free_hugepages)"
