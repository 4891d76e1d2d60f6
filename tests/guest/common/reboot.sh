# SPDX-License-Identifier: GPL-2.0-or-later
# Where a board keeps nothing over a reset, the guest counts its lives on the disk. Memory is clean in each
# of them, whatever it is made of: kinds that the host has.
kinds="anonymous memfd,prealloc file,path=ram"
host=$("$LKVM" stat --host 2>/dev/null)
case $host in *"guest_memfd flags: "*init-shared*) kinds="$kinds guest-memfd guest-memfd,prealloc" ;; esac
left=$(($(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages 2>/dev/null || echo 0)))
[ $left -lt 32 ] || kinds="$kinds hugetlb,size=2M"
for kind in $kinds; do
	rm -f disk
	truncate -s 1M disk
	timeout -s KILL 60 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 2 --reboot --disk disk \
		--mem-backend "$kind" </dev/null >output
	status=$?
	cat output
	[ $status = 0 ] || { echo "FAIL status $status with $kind"; exit 1; }
	printf 'life %s\n' 1 2 3 | cmp - output || exit 1
done
