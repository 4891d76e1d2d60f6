# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # status, out and err are set by lkvm()
# lkvm snp-digest held against a second derivation (tests/snp/digest.py), and --snp where there is no SEV-SNP.

only_x86() {
	"$LKVM" version | grep -q '^architecture: x86$' || skip "not an x86 lkvm"
}

with_digests() {
	only_x86
	"$LKVM" version | grep -q ' libnettle' || skip "built without libnettle"
	command -v python3 >/dev/null || skip "no python3"
}

derive() {
	python3 "$TOP/tests/snp/digest.py" "$@"
}

# same WHAT ARG...: snp-digest ARG... says what derive said before ($derived).
same() {
	local what=$1
	shift
	lkvm snp-digest "$@"
	[ "$status" = 0 ] || fail "$what: status $status: $err"
	[[ $out =~ ^[0-9a-f]{96}$ ]] || fail "$what: '$out' is no digest"
	[ "$out" = "$derived" ] || fail "$what: $out, and derived it is $derived"
}

# make_bzimage FILE: with a protected-mode part of 20000 bytes that wants to be at 16 MiB.
make_bzimage() {
	python3 - "$1" <<'END'
import struct, sys
code = bytes(i * 7 % 251 for i in range(20000))
image = bytearray(1024)
image[0x1f1] = 1
struct.pack_into("<I", image, 0x1f4, len(code) // 16)
struct.pack_into("<HBB4sH", image, 0x1fe, 0xaa55, 0xeb, 0x6a, b"HdrS", 0x20f)
image[0x211] = 1
struct.pack_into("<I", image, 0x22c, 0x7fffffff)
struct.pack_into("<IBxH", image, 0x230, 1 << 21, 1, 3)
struct.pack_into("<I", image, 0x238, 2047)
struct.pack_into("<QI", image, 0x258, 16 << 20, 8 << 20)
open(sys.argv[1], "wb").write(image + code)
END
}

test_snp_digest_of_a_kernel() {
	local derived kernel
	with_digests
	make_bzimage bzImage
	head -c 70001 "$LKVM" >initrd
	: >nothing
	derived=$(derive kernel bzImage initrd "console=ttyS0 quiet" 64 2)
	same "a kernel" --nodefaults -k bzImage -i initrd -p "console=ttyS0 quiet" -m 64 -c 2
	# Options that are not measured, in another order and by other names.
	same "the same" -c2 -m64M --nodefaults --initrd initrd --params "console=ttyS0 quiet" \
		--snp policy=0x20000,vcek-disabled --name x -n none bzImage
	derived=$(derive kernel bzImage nothing "" 64 1)
	same "without initrd" --nodefaults -m 64 -c 1 bzImage
	derived=$(derive kernel bzImage initrd x 3100 1)
	same "more than 3 GiB" --nodefaults -m 3100 -c 1 -i initrd -p x bzImage
	for kernel in "${LKVM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lkvm}"/x86/kernels/*/tree/boot/vmlinuz*; do
		[ -f "$kernel" ] || continue
		derived=$(derive kernel "$kernel" initrd quiet 512 3)
		same "$kernel" --nodefaults -m 512 -c 3 -i initrd -p quiet "$kernel"
	done
}

test_snp_digest_sees_every_change() {
	local seen="" variant
	with_digests
	make_bzimage bzImage
	make_bzimage other
	printf '\1' | dd of=other bs=1 seek=15000 conv=notrunc status=none
	for variant in "-m 64 -c 1 bzImage" "-m 64 -c 2 bzImage" "-m 65 -c 1 bzImage" "-m 64 -c 1 other" \
		"-m 64 -c 1 -p x bzImage" "-m 64 -c 1 -i other bzImage" "-m 64 -c 1 --snp vmsa-features=0x20 bzImage" \
		"-m 64 -c 1 --snp c-bit=47 bzImage"; do
		# shellcheck disable=SC2086 # words
		lkvm snp-digest --nodefaults $variant
		[ "$status" = 0 ] || fail "$variant: $err"
		[[ $seen != *"$out"* ]] || fail "$variant: $out was there before"
		seen+=" $out"
	done
}

# What an owner signs: a block made of the digest that was told fits it, and no other.
test_snp_digest_and_id_block() {
	with_digests
	make_bzimage bzImage
	lkvm snp-digest --nodefaults -m 64 -c 1 bzImage
	python3 - "$out" <<'END'
import struct, sys
open("block", "wb").write(bytes.fromhex(sys.argv[1]) + bytes(32) + struct.pack("<IIQ", 1, 0, 0x30000))
open("auth", "wb").write(bytes(4096))
END
	lkvm snp-digest --nodefaults -m 64 -c 1 --snp id-block=block,id-auth=auth bzImage
	[ "$status" = 0 ] && [ -z "$err" ] || fail "$err"
	lkvm snp-digest --nodefaults -m 64 -c 2 --snp id-block=block,id-auth=auth bzImage
	[ "$status" = 0 ] && [[ $err == *"signed for another launch digest"* ]] || fail "$err"
	lkvm snp-digest --nodefaults -m 64 -c 1 --snp policy=0x20000,id-block=block,id-auth=auth bzImage
	[ "$status" = 0 ] && [[ $err == *"the ID block was signed for 0x30000"* ]] || fail "$err"
	echo text >text
	refused 241 "--snp id-block=text: neither 96 bytes nor" snp-digest -m 64 -c 1 \
		--snp id-block=text,id-auth=text bzImage
}

# Debian's firmware, if it is there: a real image, nobody's invention.
test_snp_digest_of_ovmf() {
	local derived image=${OVMF:-/usr/share/ovmf/OVMF.fd}
	with_digests
	[ -f "$image" ] || skip "no $image (Debian: ovmf)"
	derived=$(derive firmware "$image" 1 0)
	same "OVMF" --firmware "$image" -m 64 -c 1
	derived=$(derive firmware "$image" 4 0x800f12)
	same "OVMF as QEMU's EPYC-v4" --firmware "$image" -m 64 -c 4 --snp signature=0x800f12
	refused 241 "give the guest more with --mem" snp-digest --firmware "$image" -m 8 -c 1
}

test_snp_digest_words() {
	only_x86
	lkvm help snp-digest
	[ "$status" = 0 ] && [[ $out == "Usage: lkvm snp-digest "* ]] || fail "$out$err"
	first=$out
	lkvm snp-digest --help
	[ "$status" = 0 ] && [ "$out" = "$first" ] || fail "$out$err"
	refused 240 "unknown option" snp-digest --digest
	refused 240 "--snp colour=1: not known; there are policy=N" snp-digest --snp colour=1 x
	refused 241 "Unable to open kernel none" snp-digest -m 64 -c 1 none
	echo text >text
	refused 241 "neither a bzImage nor an ELF" snp-digest -m 64 -c 1 text
	refused 241 "--firmware text: 5 bytes are no firmware" snp-digest -m 64 -c 1 --firmware text
	refused 240 "only guests of type snp" snp-digest --vm-type sw-protected bzImage
}

test_snp_where_there_is_none() {
	only_x86
	[ ! -e /dev/sev ] || skip "there may be"
	needs_guest
	echo >x
	refused 241 "SEV-SNP" run --snp policy=0x30000 -m 64 "$good"
	refused 240 "only ordinary and SEV-SNP guests have one" run --vm-type sw-protected --firmware x -m 64
	refused 241 "1 bytes are no firmware" run --firmware x -m 64
}
