# SPDX-License-Identifier: GPL-2.0-or-later
# guest_memfd that write(2) populates, as no released kernel has it: boot images go in so, at every number its flag may have.
# host: kernel=proposed
# timeout: 400
need_root
flag=/sys/module/kvm/parameters/gmem_write_flag
[ -f $flag ] || fail "no $flag: not the kernel that is meant"

# offered FLAG PATTERN: with write(2) behind that flag, what lkvm finds out, and a guest that runs.
offered() {
	echo "$1" >$flag
	expect_status $ST_OK lkvm run --nodefaults --debug --guest-memfd -k $made/poweroff.elf -m 64 --timeout 60
	expect_output "$2"
}

# written FILE: bytes that went by write(2) so far, as --debug says.
written() {
	sed -n 's/.*guest memory: .* so far \([0-9]*\) bytes by write(2).*/\1/p' "$1" | tail -n 1
}

made=/lab/guests/made
data_file disk.img 4
# What is no whole number of pages is padded.
cp "$LAB_INITRD" initrd
[ $(($(wc -c <initrd) % 4096)) != 0 ] || printf '\0\0\0\0' >>initrd
LAB_INITRD=$T/initrd

expect_status $ST_OK lkvm_run --debug --guest-memfd -d disk.img -p "$(guest blk-sum virtio_blk)"
expect_output "^sum: $(sum disk.img)"
expect_output "lab-guest: status 0"
expect_output "guest_memfd takes write\(2\), with flags 0x7 "
expect_no_output "a write failed"
first=$(written "$OUT")
[ "$first" -gt 4000000 ] && [ $((first % 4096)) = 0 ] || fail "$first bytes by write(2)"

# Another life: as much goes in again.
start lkvm_run --debug --name written --guest-memfd --reboot -p "$(guest hello "" lab.end=reboot)"
n=0
until [ "$(grep -ac "lab-guest: status 0" console)" -ge 2 ]; do
	[ -d "/proc/$vm_pid" ] || { cat console; fail "ended instead of starting again"; }
	[ $n -lt 300 ] || { cat console; fail "not started again in 150 s"; }
	n=$((n + 1))
	sleep 0.5
done
lkvm stat written >stat || fail "stat: $?"
cat stat
expect_output "memory back end: +guest-memfd" stat
expect_output "memory populated by: +write\(2\)\$" stat
kill "$vm_pid"
expect_end $ST_TERM 5
expect_output "so far $((2 * first)) bytes by write\(2\)" console
# What was in a life before is gone: the bare-metal guest looks itself.
truncate -s 1M lives.img
expect_status $ST_OK lkvm run --nodefaults -k $made/reboot.elf -m 64 -c 2 --reboot -d lives.img --guest-memfd --timeout 60
expect_output "^life 3"
expect_no_output FAIL

offered 8 "takes write\(2\), with flags 0xb "
offered 0 "takes write\(2\), with flags 0x3 "
# A number that nobody has used for it is not tried.
offered 32 "takes no write\(2\) here \(flags offered: 0x23\)"
expect_status $ST_OK lkvm_run --debug --guest-memfd -p "$(guest hello)"
expect_output "so far 0 bytes by write\(2\), [1-9][0-9]{6,} through"
echo 4 >$flag

if command -v populate >/dev/null; then
	expect_status 0 populate 64 1
	expect_output "^guest-memfd +write\(2\) from a mapping +[0-9.]+ ms"
fi
