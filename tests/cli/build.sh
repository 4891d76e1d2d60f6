# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What make says and does before it compiles anything: missing libraries, choices, make -n and make clean.

# The machine's compiler, which does not find the headers in $HIDE.
compiler_without() {
	command -v make >/dev/null || skip "no make"
	cat >cc <<'END'
#!/bin/sh
case " $* " in
*" - "*)
	program=$(cat)
	for header in $HIDE; do
		case $program in *"<$header>"*) exit 1 ;; esac
	done
	printf '%s\n' "$program" | exec gcc "$@"
	exit
	;;
esac
exec gcc "$@"
END
	chmod +x cc
	export HIDE=$1
}

# One line that tells what is missing, with its package, instead of what the compiler has to say of it.
test_build_without_a_library() {
	compiler_without "libfdt.h zlib.h"
	! make -C "$TOP" CC="$PWD/cc" B="$PWD/b" >out 2>err || fail "it was built"
	[ "$(wc -l <err)" = 1 ] && grep -q "missing.*: libfdt (libfdt-dev) zlib (zlib1g-dev); 'scripts/setup --build'" err ||
		fail "$(cat out err)"
	[ ! -e b ] || fail "$(ls -A b)"
	! make -C "$TOP" CC=no-such-cc B="$PWD/b" >out 2>err || fail "it was built"
	[ "$(wc -l <err)" = 1 ] && grep -q "no compiler no-such-cc: install Debian's gcc" err || fail "$(cat err)"
	HIDE=cmocka.h
	mkdir b
	! make -C "$TOP" CC="$PWD/cc" B="$PWD/b" -o "$PWD/b/liblkvm.a" "$PWD/b/tests/unit/test_text" >out 2>err ||
		fail "it was built"
	grep -q "missing.*: cmocka (libcmocka-dev)" err || fail "$(cat out err)"
	# Who cleans up needs none of them.
	HIDE="libfdt.h" make -s -C "$TOP" CC="$PWD/cc" B="$PWD/nothing" clean >out 2>&1 && [ ! -s out ] || fail "$(cat out)"
}

# What lkvm is going to lack is told once, for each build folder.
test_build_tells_its_choices() {
	compiler_without "slirp/libslirp.h zstd.h"
	build() {
		MAKEFLAGS= make -C "$TOP" CC="$PWD/cc" B="$PWD/b" "$PWD/b/util/text.o" "$@" >out 2>err || fail "$(cat out err)"
	}
	build -n
	! grep without out || fail "make -n tells choices"
	[ ! -e b ] || fail "make -n has made $(ls -A b)"
	build
	[ "$(grep -c "^without libslirp .*: no network in user mode\|^without libzstd" out)" = 2 ] || fail "$(cat out)"
	build
	! grep without out || fail "it is told again"
	# What stands in for them can be compiled.
	build "$PWD/b/net/user-none.o" "$PWD/b/boot/zstd-none.o" "$PWD/b/util/nettle-none.o"
	# Other words are not remembered by make -n either.
	cp b/.flags flags
	build -n CFLAGS=-O1
	grep -q 'util/text\.o' out && cmp b/.flags flags || fail "$(cat out)"
	HIDE=
	build
	! grep without out || fail "$(cat out)"
}

# A warning is an error unless WERROR=0.
test_build_werror() {
	command -v make >/dev/null || skip "no make"
	flags() {
		make -s -C "$TOP" B="$PWD/b$1" "$PWD/b$1/util/text.o" WERROR="$1" >out 2>&1 && cat "b$1/.flags" || fail "$(cat out)"
	}
	flags 1 | grep -q -e ' -Wextra -Werror ' || fail "$(flags 1)"
	flags 0 | grep -q -e ' -Wextra ' || fail "$(flags 0)"
	! flags 0 | grep -e -Werror || fail "-Werror with WERROR=0"
}

# What pkg-config says of a library is what it is compiled and linked with; where it says nothing, -lNAME.
test_build_asks_pkg_config() {
	command -v make >/dev/null || skip "no make"
	cat >pkg-config <<'END'
#!/bin/sh
case $* in
"--cflags --libs jansson") echo "-DASKED_FOR_JANSSON -ljansson -lm" ;;
"--cflags slirp") exec pkg-config "$@" ;;
*) exit 1 ;;
esac
END
	chmod +x pkg-config
	make -s -C "$TOP" PKG_CONFIG="$PWD/pkg-config" B="$PWD/b" "$PWD/b/util/text.o" >out 2>&1 || fail "$(cat out)"
	grep -q -e ' -laio -lfdt -lz -DASKED_FOR_JANSSON -ljansson -lm ' b/.libs || fail "$(cat b/.libs)"
}

# A tree without git has its version from the tarball that it came in.
test_build_dist() {
	command -v make git >/dev/null || skip "no make or git"
	git -C "$TOP" rev-parse HEAD >/dev/null 2>&1 || skip "not in git"
	make -s -C "$TOP" B="$PWD/b" VERSION=7.8 dist >out 2>&1 || fail "$(cat out)"
	tar xf b/lkvm-7.8.tar.gz || fail "$(ls -A b)"
	[ "$(cat lkvm-7.8/.version)" = 7.8 ] || fail "$(ls -A lkvm-7.8)"
	cp "$TOP/Makefile" lkvm-7.8/Makefile
	make -s -C lkvm-7.8 B="$PWD/c" "$PWD/c/builtin-version.o" >out 2>&1 || fail "$(cat out)"
	[ "$(cat c/.version)" = 7.8 ] || fail "$(cat c/.version)"
	strings c/builtin-version.o | grep -q '7\.8' || fail "no version in the program"
}

# make clean removes what it was told to, and only if a build made it.
test_build_clean() {
	compiler_without ""
	make -s -C "$TOP" B="$PWD/b" "$PWD/b/util/text.o" >out 2>&1 || fail "$(cat out)"
	make -C "$TOP" B="$PWD/b" clean >out 2>&1 || fail "$(cat out)"
	[ ! -e b ] && [ -e "$BUILD/lkvm" ] || fail "$(ls -d b "$BUILD")"
	mkdir b && : >b/mine
	make -s -C "$TOP" B="$PWD/b" "$PWD/b/util/text.o" >out 2>&1 || fail "$(cat out)"
	for b in "$PWD/b" . "$PWD"; do
		! make -s -C "$TOP" B="$b" clean >out 2>&1 || fail "it removed something: $(cat out)"
		grep -q "clean: $b is no folder that a build of lkvm made; nothing was removed" out || fail "$(cat out)"
	done
	[ -e b/mine ] && [ -e "$TOP/Makefile" ] || fail "removed"
	make -n -C "$TOP" clean | grep -qx "rm -rf build lkvm" || fail "$(make -n -C "$TOP" clean)"
	# A goal beside it is built anew; what lies about in a folder that is no build's is not looked at.
	make -s -C "$TOP" B="$PWD/c" "$PWD/c/util/text.o" >out 2>&1 || fail "$(cat out)"
	: >c/old
	make -s -C "$TOP" B="$PWD/c" clean "$PWD/c/util/text.o" >out 2>&1 || fail "$(cat out)"
	[ -e c/util/text.o ] && [ ! -e c/old ] || fail "clean and build: $(cat out)"
	mkdir -p d/e.d
	! make -s -C "$TOP" B="$PWD/d" clean 2>out || fail "it removed something"
	grep -q "$PWD/d is no folder that a build" out || fail "$(cat out)"
}

# A use that the table of rooms does not allow is told, with who and what: of a symbol and of a header.
test_build_wrong_arrow() {
	command -v gcc >/dev/null || skip "no gcc"
	mkdir -p include/lkvm/vm b/util b/vm b/x86 util
	echo 'void arch_reset(void);' >include/lkvm/arch.h
	printf '| `util/` | words | |\n| `vm/` | words | util |\n| `x86/` | words | everything |\n' >table
	echo 'int lower(void) { return 1; }' | gcc -xc -c -o b/util/lower.o -
	echo 'int lower(void); void arch_reset(void); int upper(void) { arch_reset(); return lower(); }' | gcc -xc -c -o b/vm/upper.o -
	echo 'int upper(void); void arch_reset(void) { upper(); }' | gcc -xc -c -o b/x86/reset.o -
	"$TOP/scripts/check-arrows" table b b/util/lower.o b/vm/upper.o b/x86/reset.o >out || fail "allowed arrows: $(cat out)"
	echo 'int upper(void); int wrong(void) { return upper(); }' | gcc -xc -c -o b/util/wrong.o -
	! "$TOP/scripts/check-arrows" table b b/util/*.o b/vm/upper.o b/x86/reset.o >out || fail "a wrong arrow passed"
	[ "$(cat out)" = "util -> vm: util/wrong.o uses upper of vm/upper.o" ] || fail "$(cat out)"
	echo '#include "lkvm/vm/upper.h"' >util/wrong.c
	! "$TOP/scripts/check-arrows" table b b/util/lower.o b/vm/upper.o b/x86/reset.o >out || fail "a wrong #include passed"
	[ "$(cat out)" = "util -> vm: util/wrong.c includes vm/upper.h" ] || fail "$(cat out)"
	rm util/wrong.c
	mkdir b/new && cp b/util/wrong.o b/new/wrong.o
	! "$TOP/scripts/check-arrows" table b b/util/lower.o b/vm/upper.o b/x86/reset.o b/new/wrong.o >out || fail "an unknown room passed"
	grep -q "no room new" out || fail "$(cat out)"
}
