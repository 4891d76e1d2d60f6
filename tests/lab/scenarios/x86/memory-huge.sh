# SPDX-License-Identifier: GPL-2.0-or-later
# Guest memory in pages of 1 GiB, as memfd and from a mounted pool whose mount says who may have how many.
# host: variant=huge-pages mem=4G
# timeout: 400
data_file disk.img 4
pool=/sys/kernel/mm/hugepages/hugepages-1048576kB
expect_same "huge pages of 1 GiB in this host" 1 "$(cat $pool/nr_hugepages)"
trap 'umount huge little' EXIT
mkdir huge little
mount -t hugetlbfs -o pagesize=1G none huge
expect_status $ST_OK lkvm_run -m 1024 -c 2 -d disk.img --mem-backend hugetlbfs,path=huge -p "$(guest blk-sum virtio_blk)"
expect_output "^sum: $(sum disk.img)"
expect_output "lab-guest: status 0"
expect_status $ST_OK lkvm run --nodefaults -k /lab/guests/made/poweroff.elf -m 1024 --mem-backend hugetlb,size=1G,prealloc
# Three lives, zero at the beginning of each, to the last byte.
truncate -s 1M lives.img
expect_status $ST_OK timeout 100 lkvm run --nodefaults -k /lab/guests/made/reboot.elf -m 1024 -c 2 --reboot \
	-d lives.img --mem-backend hugetlb,size=1G
expect_output "^life 3"
expect_no_output FAIL
expect_same "huge pages free afterwards" 1 "$(cat $pool/free_hugepages)"
expect_status $ST_START lkvm_run -m 2048 --mem-backend hugetlb,size=1G -p "$(guest hello)"
expect_output "Fatal: --mem-backend hugetlb: 2 huge pages of 1G are needed, 1 are free"
expect_status $ST_START lkvm_run -m 512 --mem-backend hugetlb,size=1G -p "$(guest hello)"
expect_output "Fatal: --mem-backend hugetlb: --mem: 512 MiB are no whole number of huge pages of 1G"
# The pool would have enough, the mount has not.
echo 64 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
mount -t hugetlbfs -o pagesize=2M,size=64M none little
expect_status $ST_START lkvm run --nodefaults -k "$LAB_KERNEL" -m 128 --hugetlbfs little
expect_output "Fatal: --mem-backend hugetlbfs: 64 huge pages of 2M are needed and 64 are free, but lkvm may not have as many"
expect_status $ST_OK lkvm run --nodefaults -k /lab/guests/made/poweroff.elf -m 64 --hugetlbfs little
