# SPDX-License-Identifier: GPL-2.0-or-later
# What memory is made of: a Linux guest with a disk on each kind that this host has, and a guest that is
# started again and finds no trace of its earlier lives; then what cannot be had, told clearly.
# timeout: 400
data_file disk.img 4
pool=/sys/kernel/mm/hugepages/hugepages-2048kB
made=/lab/guests/made
need_root
# linux KIND WAY: how the kernel and initrd got in, by what --debug says.
linux() {
	expect_status $ST_OK lkvm_run --debug -m 192 -d disk.img --mem-backend "$1" -p "$(guest blk-sum virtio_blk)"
	expect_output "^sum: $(sum disk.img)"
	expect_output "lab-guest: status 0"
	case $2 in
	write) expect_output "guest memory: .* so far [1-9][0-9]{6,} bytes by write\(2\)" ;;
	read) expect_output "guest memory: .* so far 0 bytes by write\(2\), [1-9][0-9]{6,} through" ;;
	esac
}
# lives KIND: three of them, which the bare-metal guest looks at itself.
lives() {
	local bare=$made/reboot.bin
	[ -f $bare ] || bare=$made/reboot.elf
	[ -f $bare ] || return 0
	rm -f lives.img
	truncate -s 1M lives.img
	expect_status $ST_OK timeout 60 lkvm run --nodefaults -k $bare -m 64 -c 2 --reboot -d lives.img --mem-backend "$1"
	expect_output "^life 3"
	expect_no_output FAIL
}
each="memfd file,path=ram"
linux memfd write
if [ -d $pool ]; then
	# 192 MiB
	before=$(cat $pool/nr_hugepages)
	trap 'umount "$T/huge" 2>/dev/null; echo $before >$pool/nr_hugepages' EXIT
	echo $((before + 96)) >$pool/nr_hugepages
	if [ "$(cat $pool/free_hugepages)" -lt 96 ]; then
		fail "no 96 huge pages to be had here, but $(cat $pool/free_hugepages)"
	fi
	linux hugetlb,size=2M,prealloc read
	expect_same "huge pages free afterwards" $((before + 96)) "$(cat $pool/free_hugepages)"
	mkdir huge
	mount -t hugetlbfs -o pagesize=2M none huge
	each="$each hugetlb,prealloc hugetlbfs,path=huge"
	expect_status $ST_START lkvm run --nodefaults -k "$LAB_KERNEL" -m 256 --mem-backend hugetlb,size=2M
	expect_output "--mem-backend hugetlb: 128 huge pages of 2M are needed, 96 are free; .*echo $((before + 128)) "
	expect_status $ST_START lkvm run --nodefaults -k "$LAB_KERNEL" -m 256 --hugetlbfs huge
	expect_output "128 huge pages of 2M are needed, 96 are free"
	[ -z "$(ls huge)" ] || fail "left behind in the hugetlbfs: $(ls huge)"
fi
if lkvm stat --host | grep -q "guest_memfd flags: .*init-shared"; then
	linux guest-memfd read
	each="$each guest-memfd,prealloc guest-memfd"
else
	expect_status $ST_START lkvm run --nodefaults -k "$LAB_KERNEL" -m 64 --guest-memfd
	expect_output "--mem-backend guest-memfd: this host's KVM has .*Linux 6.18"
fi
for kind in $each; do
	lives $kind
done
truncate -s 32M ram
expect_status $ST_START lkvm run --nodefaults -k "$LAB_KERNEL" -m 64 --mem-backend file,path=ram
expect_output "ram has 32768 KiB, the guest's memory 65536 KiB"
