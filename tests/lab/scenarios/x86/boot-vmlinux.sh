# SPDX-License-Identifier: GPL-2.0-or-later
# A vmlinux without a PVH note is entered at its 64-bit entry.
kernel stock
cp "$LAB_VMLINUX" vmlinux
# The program headers' types: PT_NOTE (4) becomes PT_NULL.
at=64 notes=0
while [ $at -lt $((64 + 8 * 56)) ]; do
	if [ "$(od -An -v -tu1 -j $at -N 1 vmlinux | tr -d ' ')" = 4 ]; then
		printf '\0' | dd of=vmlinux bs=1 seek=$at conv=notrunc 2>/dev/null
		notes=$((notes + 1))
	fi
	at=$((at + 56))
done
[ $notes = 1 ] || fail "$notes note headers in vmlinux"
expect_status $ST_OK lkvm_run -k vmlinux -p "$(guest hello)"
expect_output "^Linux .* $LAB_RELEASE "
expect_output "lab-guest: status 0"
