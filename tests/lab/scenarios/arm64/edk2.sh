# SPDX-License-Identifier: GPL-2.0-or-later
# EDK2's build for kvmtool reaches its shell; a variable set there is in the flash the next time.
# run: named
# timeout: 900
efi=$LAB_CACHE/$LAB_ARCH/edk2/KVMTOOL_EFI.fd
[ -f "$efi" ] || skip "no firmware in the cache: tests/lab/edk2 builds it"
guid=11111111-2222-3333-4444-555555555555
truncate -s 4M flash.img
truncate -s 16M disk.img

# shell COMMANDS...: types them at the shell's prompt, the last of them ends the guest. While the firmware
# counts down, "s" is the key for the shell; it resets once when it notes boot options in an empty flash.
shell() {
	local seen words
	rm -f keys
	mkfifo keys
	# Both ends here, so that neither side waits for the other to open its own.
	exec 3<>keys
	lkvm run --nodefaults --reboot --firmware "$efi" --flash flash.img -d disk.img --rng -m 512 -c 2 \
		--timeout 400 <&3 >"$OUT" 2>&1 &
	vm_pid=$!
	until grep -aq 'Shell> ' "$OUT" || [ ! -d /proc/$vm_pid ]; do
		! grep -aq 'Press ESCAPE' "$OUT" || printf s >&3
		sleep 1
	done
	# What was typed too much is a line of its own.
	set -- "" "$@"
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
shell "connect -r" "map -r" "setvar lkvm -guid $guid -nv -bs =0xCAFE" "reset -s"
expect_output 'UEFI Interactive Shell'
expect_output 'BLK0:'
shell "setvar lkvm -guid $guid" "reset -s"
# Little-endian, as the shell shows bytes.
expect_output 'FE CA'
