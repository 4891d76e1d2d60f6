# SPDX-License-Identifier: GPL-2.0-or-later
# Memory that the host takes away while a guest has it: a file made shorter, a full file system, huge pages
# that a control group does not grant, broken memory. lkvm ends with one line and status 246 each time.
# timeout: 400
kernel stock
need_root
bare_guests common/memory-lost
pool=/sys/kernel/mm/hugepages/hugepages-2048kB
broken=/sys/devices/system/memory/hard_offline_page
before=$(cat $pool/nr_hugepages 2>/dev/null || :)
trap 'umount full; rmdir groups/lost 2>/dev/null; umount groups 2>/dev/null; [ -z "$before" ] || echo "$before" >$pool/nr_hugepages' EXIT
mkdir full groups
data_file disk.img 8
disk=$(sum disk.img)

# lost KIND WORDS [IN]: a Linux guest that touches more memory than there is ends so.
lost() {
	expect_status $ST_RUNTIME ${3:-} lkvm_run -m 192 -d disk.img --mem-backend "$1" -p "$(guest fill virtio_blk)"
	expect_output "^sum: $disk"
	expect_output "Error: Guest .*: --mem-backend ${1%%,*}: memory at 0x[0-9a-f]*000 is lost: $2"
	expect_same "lines said" 1 "$(grep -acE '^  (Error|Fatal|Warning): ' "$OUT")"
	expect_same "the disk" "$disk" "$(sum disk.img)"
}

mount -t tmpfs -o size=128m none full
lost file,path=full/ram "the file system of full/ram has no space for it, 0 KiB are left; free some"
rm full/ram
expect_status $ST_START lkvm_run -m 192 --mem-backend file,path=full/ram,prealloc -p "$(guest hello)"
expect_output "Fatal: --mem-backend file: prealloc: not all of .* can be had: the file system of full/ram has no space"
rm full/ram
# Not even room for the kernel: that is no guest that ran.
head -c 134217728 /dev/zero >full/other
expect_status $ST_START lkvm_run -m 192 --mem-backend file,path=full/ram -p "$(guest hello)"
expect_output "Error: .* memory at 0x[0-9a-f]*000 is lost: the file system of full/ram has no space"
rm full/other full/ram

start lkvm_run -m 192 --mem-backend file,path=full/ram -p "$(guest hello "" lab.end=hang)"
wait_output "lab-guest: status 0"
truncate -s 4M full/ram
expect_end $ST_RUNTIME 60
expect_output "Error: .* memory at 0x[0-9a-f]*000 is lost: full/ram was made shorter, to 4096 KiB of 196608" "$T/console"

in_group() (
	echo 0 >groups/lost/cgroup.procs
	"$@"
)
if [ -d $pool ] && mount -t cgroup2 none groups && grep -qw hugetlb groups/cgroup.controllers; then
	echo +hugetlb >groups/cgroup.subtree_control
	mkdir groups/lost
	echo $((before + 96)) >$pool/nr_hugepages
	echo 96M >groups/lost/hugetlb.2MB.max
	lost hugetlb,size=2M "there is no huge page of 2M for it, [1-9][0-9]* are free; a control group's limit" in_group
	expect_status $ST_START in_group lkvm_run -m 192 --mem-backend hugetlb,size=2M,prealloc -p "$(guest hello)"
	expect_output "prealloc: not all of .* can be had: there is no huge page of 2M"
	expect_same "huge pages free afterwards" $((before + 96)) "$(cat $pool/free_hugepages)"
else
	note "no control groups for huge pages here"
fi

# page_of PID OFFSET: the number of the host's page that is there in the process's guest memory, a memfd.
page_of() {
	local start
	start=$(sed -n 's/^\([0-9a-f]*\)-.* 00000000 .*memfd:guest.*/\1/p' "/proc/$1/maps")
	# shellcheck disable=SC2046 # bytes
	set -- $(dd if="/proc/$1/pagemap" bs=8 skip=$(((0x$start + $2) / 4096)) count=1 2>/dev/null | hexdump -v -e '8/1 "0x%02x "')
	echo $(($1 | $2 << 8 | $3 << 16 | $4 << 24 | $5 << 32))
}
if [ -e $broken ] && [ "$LAB_HOW" = emulated ]; then
	guest=/lab/guests/made/memory-lost.elf
	[ -f ${guest%.elf}.bin ] && guest=${guest%.elf}.bin
	start lkvm run --nodefaults -k $guest -m 64 --mem-backend memfd --timeout 100
	wait_output "all touched"
	echo $(($(page_of $vm_pid 33554432) * 4096)) >$broken
	expect_end $ST_RUNTIME 60
	expect_output "Error: .*: --mem-backend memfd: memory at 0x[0-9a-f]*2000000 is lost: the host's memory there is broken" "$T/console"
else
	note "no way to break memory here"
fi
