# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # status, out and err are set by lkvm()
# What the program and its source are made of.

# hardened FILE: position independent, nothing writable that need not be, no executable stack.
hardened() {
	readelf -W -h -l -d "$1" >elf || fail "$1: readelf"
	grep -q 'Type: *DYN' elf || fail "$1: not position independent"
	grep -q 'GNU_RELRO' elf || fail "$1: no RELRO"
	grep -q 'BIND_NOW' elf || fail "$1: not bound at its start"
	grep 'GNU_STACK' elf | grep -q ' RW ' || fail "$1: an executable stack"
	! grep 'LOAD' elf | grep -q 'RWE' || fail "$1: memory both writable and executable"
}

test_program_is_hardened() {
	command -v readelf >/dev/null || skip "no readelf"
	hardened "$LKVM"
	# Sanitizers come without.
	case $BUILD in *-asan | *-tsan) return ;; esac
	readelf -W --dyn-syms "$LKVM" >symbols
	grep -q '__stack_chk_fail' symbols || fail "no stack protector"
	grep -q '__[a-z]*_chk@' symbols || fail "no _FORTIFY_SOURCE"
	[ ! -e "$BUILD/lkvm-static" ] || hardened "$BUILD/lkvm-static"
}

# lkvm needs libraries of the build's choice and no others.
test_program_links_what_it_says() {
	command -v readelf >/dev/null || skip "no readelf"
	readelf -W -d "$LKVM" | sed -n 's/.*Shared library: \[\(lib[a-z]*\).*/\1/p' | sort >needed
	grep -vx -e libaio -e libfdt -e libz -e libjansson -e libzstd -e libnettle -e libslirp -e libc -e libpthread -e libasan \
		-e libubsan -e libtsan needed &&
		fail "something else is linked"
	[ ! -e "$BUILD/lkvm-static" ] || ! readelf -W -d "$BUILD/lkvm-static" | grep 'Shared library' ||
		fail "lkvm-static needs a library"
}

needs_git() {
	git -C "$TOP" rev-parse --is-inside-work-tree >/dev/null 2>&1 || skip "no git checkout"
}

test_source_has_its_license() {
	local file bare=
	needs_git
	while read -r file; do
		case $file in
		*.md | LICENSE | .gitignore | .clang-format) continue ;;
		esac
		head -n 3 "$TOP/$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' || bare+=" $file"
	done < <(git -C "$TOP" ls-files)
	[ -z "$bare" ] || fail "no SPDX line in:$bare"
	grep -q 'GNU GENERAL PUBLIC LICENSE' "$TOP/LICENSE" || fail "LICENSE"
}

# Only an architecture's folder knows it, and nowhere by #ifdef.
test_source_keeps_architectures_apart() {
	needs_git
	! git -C "$TOP" grep -nE '^# *(if|elif).*(__x86_64__|__i386__|__aarch64__|__riscv)' -- '*.c' '*.h' ':!tests' ||
		fail "an #ifdef for an architecture"
	local header others
	for header in $(cd "$TOP" && ls x86/*.h arm64/*.h riscv/*.h 2>/dev/null); do
		case $header in */arch-*.h) continue ;; esac
		others=$(cd "$TOP" && ls -d x86 arm64 riscv 2>/dev/null | while read -r arch; do
			[ ! -e "$arch/${header##*/}" ] || echo ":!$arch"
		done)
		# What arm64's and riscv64's boards share is built with either's.
		[ ! -e "$TOP/arm64/${header##*/}" ] || [ ! -e "$TOP/riscv/${header##*/}" ] || others+=' :!devicetree'
		# shellcheck disable=SC2086 # words
		! git -C "$TOP" grep -nF "#include \"${header##*/}\"" -- '*.c' '*.h' ':!tests' $others ||
			fail "an architecture's header outside its folder"
	done
}

test_build_of_an_architecture_that_is_not_there() {
	command -v make >/dev/null || skip "no make"
	! make -C "$TOP" ARCH=vax static >log 2>&1 || fail "it was built"
	grep -q "ARCH=vax: " log || fail "$(cat log)"
	[ ! -e "$TOP/build/vax" ] || fail "build/vax was made"
}

test_static_program_runs_a_guest() {
	local guest=$BUILD/guest/poweroff.elf
	[ -e "$BUILD/lkvm-static" ] || skip "make static was not run"
	"$BUILD/lkvm-static" version | grep -q '^built with: libaio' || fail "version"
	{ [ -r /dev/kvm ] && [ -w /dev/kvm ] && [ -f "$guest" ]; } || return 0
	"$BUILD/lkvm-static" run --nodefaults -m 64 -c 1 "$guest" >.out 2>.err </dev/null ||
		fail "status $?: $(cat .err)"
	grep -q Ready .out || fail "$(cat .out)"
}

test_link_leads_to_the_program() {
	[ "$BUILD" = "$TOP/build/$("$LKVM" version | sed -n 's/^architecture: //p')" ] || return 0
	[ "$TOP/lkvm" -ef "$LKVM" ] || fail "./lkvm is not $LKVM"
}
