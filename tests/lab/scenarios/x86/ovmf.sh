# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's OVMF reaches its shell and sees a disk; it starts a kernel that it gets through fw_cfg.
# run: named
# timeout: 900
# The emulated host's QEMU must be newer than 10.0, which ends itself when a guest writes CR8 while an
# interrupt waits for it ("cpu_interrupt: assertion failed"), as OVMF does all the time.
efi=$LAB_CACHE/$LAB_ARCH/ovmf/OVMF.fd
[ -f "$efi" ] || skip "no firmware in the cache: tests/lab/ovmf fetches it"
truncate -s 16M disk.img

# shell COMMANDS...: types them at the shell's prompt, the last of them ends the guest.
shell() {
	local seen words
	rm -f keys
	mkfifo keys
	# Both ends here, so that neither side waits for the other to open its own.
	exec 3<>keys
	lkvm run --nodefaults --reboot --firmware "$efi" -d disk.img -m 512 -c 2 --timeout 400 <&3 >"$OUT" 2>&1 &
	vm_pid=$!
	until grep -aq 'Shell> ' "$OUT" || [ ! -d /proc/$vm_pid ]; do
		sleep 1
	done
	for words; do
		seen=$(grep -ao 'Shell> ' "$OUT" | wc -l)
		[ ! -d /proc/$vm_pid ] || printf '%s\r' "$words" >&3
		until [ "$(grep -ao 'Shell> ' "$OUT" | wc -l)" -gt "$seen" ] || [ ! -d /proc/$vm_pid ]; do
			sleep 1
		done
	done
	status=0
	wait $vm_pid || status=$?
	exec 3>&-
	tr -d '\033' <"$OUT"
	expect_same "lkvm's status" $status $ST_OK
}
shell "map -r" "connect -r" "map -r" "reset" "pci" "reset -s"
expect_output 'UEFI Interactive Shell'
expect_output 'BLK0:'

# A kernel by fw_cfg, with its initrd and command line; reboot through the firmware's runtime services.
expect_status $ST_OK lkvm run --nodefaults --firmware "$efi" -k "$LAB_KERNEL" -i "$LAB_INITRD" -m 512 -c 2 \
	-d disk.img --timeout 400 -p "console=ttyS0 panic=-1 lab.run=hello.sh lab.modules=virtio_pci,virtio_blk"
expect_output 'efi: EFI v2'
expect_output "^Linux .* $LAB_RELEASE "
expect_output "lab-guest: status 0"
