# SPDX-License-Identifier: GPL-2.0-or-later
# Linux as a software-protected guest: it converts nothing, and has devices that are told to touch shared memory only.
# host: kernel=sw-protected
# timeout: 500
kernel stock
data_file disk.img 8
for transport in pci mmio; do
	expect_status $ST_OK lkvm_run --vm-type sw-protected --virtio-transport $transport -c 2 --rng -d disk.img \
		-p "$(guest blk-sum virtio_blk)"
	expect_output "lab-guest: status 0"
	expect_output "$(sum disk.img)"
done
expect_status $ST_USAGE lkvm_run --vm-type sw-protected --virtio-transport mmio-legacy -p "$(guest hello)"
expect_output "Fatal: --virtio-transport .*do not go together with --vm-type sw-protected"
expect_status $ST_START lkvm_run --vm-type snp -p "$(guest hello)"
expect_output "Fatal: --vm-type snp: not offered by this host's KVM, which has default, sw-protected"
# Twice the same process: the second life finds everything shared again.
start lkvm_run --vm-type sw-protected --reboot -p "$(guest hello "" lab.end=reboot)"
n=0
until [ "$(grep -ac "lab-guest: status 0" "$T/console")" -ge 2 ]; do
	[ -d "/proc/$vm_pid" ] || { cat "$T/console"; fail "ended instead of starting again"; }
	[ $n -lt 180 ] || { cat "$T/console"; fail "not started again in 90 s"; }
	n=$((n + 1))
	sleep 0.5
done
kill "$vm_pid"
expect_end $ST_TERM 5
