# SPDX-License-Identifier: GPL-2.0-or-later
# A host without SEV-SNP, as every emulated one is: one clear line. The digest needs no such host.
kernel stock "$LAB_IMAGE"
one_line() {
	[ "$(grep -c '^  \(Fatal\|Error\): ' "$OUT")" = 1 ] || fail "not one line"
}
K=$LAB_KERNEL
expect_status $ST_START lkvm run --nodefaults -k "$K" -m 256 --vm-type snp
expect_output '--vm-type snp: not offered by this host.s KVM'
one_line
expect_status $ST_START lkvm run --nodefaults -k "$K" -m 256 --snp policy=0x30000
expect_output 'SEV-SNP'
one_line
expect_status $ST_USAGE lkvm run --nodefaults -k "$K" -m 256 --vm-type sw-protected --firmware "$K"
expect_output 'only ordinary and SEV-SNP guests have one'
expect_status $ST_START lkvm run --nodefaults -k "$K" -m 256 --firmware "$K"
expect_output 'bytes are no firmware'
one_line
expect_status $ST_OK lkvm snp-digest --nodefaults -k "$K" -m 256 -c 2
expect_output '^[0-9a-f]{96}$'
