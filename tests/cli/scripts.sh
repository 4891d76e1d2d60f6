# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the scripts for people and for the lab promise.

# setup_installs [ARG]: what scripts/setup would install on a Debian with nothing, one a line.
setup_installs() {
	mkdir -p stubs
	printf '#!/bin/sh\nexit 1\n' >stubs/dpkg-query
	printf '#!/bin/sh\necho amd64\n' >stubs/dpkg
	# shellcheck disable=SC2016 # the stub's
	printf '#!/bin/sh\ncase "$*" in *" install "*) printf "%%s\\n" "$@" >"%s/installed" ;; esac\n' "$PWD" >stubs/apt-get
	printf '#!/bin/sh\nwhile [ "$1" = -n ]; do shift; done\nexec "$@"\n' >stubs/sudo
	chmod +x stubs/*
	PATH=$PWD/stubs:$PATH "$TOP/scripts/setup" "$@" >log 2>&1 || fail "$(cat log)"
	sed -n '/^--no-install-recommends$/,$p' installed | sed 1d
}

# Nobody who wants to build or try lkvm gets compilers for other machines, or what tests are made with.
test_setup_installs_what_is_needed() {
	local package
	command -v sudo >/dev/null || [ "$(id -u)" = 0 ] || skip "no sudo"
	setup_installs --build >build
	setup_installs --try >try
	setup_installs >all
	for package in gcc make libaio-dev libfdt-dev libjansson-dev zlib1g-dev libslirp-dev; do
		grep -qx "$package" build || fail "--build: no $package: $(cat build)"
	done
	! grep -E 'aarch64|riscv64|clang|cmocka|mandoc' build try || fail "too much"
	! grep -E 'qemu|cpio|apt' build || fail "too much to build"
	grep -qx cpio try && grep -qx gcc-riscv64-linux-gnu all && grep -qx clang all || fail "$(cat all)"
	[ -z "$(comm -23 build try)$(comm -23 try all)" ] || fail "they are not within each other"
	! "$TOP/scripts/setup" --frobnicate >log 2>&1 || fail "it took --frobnicate"
}

# Who fetches one thing does not keep others from fetching another, and two do not fetch the same.
test_fetches_wait_only_for_the_same() {
	cat >holder <<'END'
LAB_DIR=$1
. "$LAB_DIR/common.sh"
hold() {
	: >"held-$1"
	until [ -e "go-$1" ]; do sleep 0.02; done
	: >"done-$1"
}
fetching "$2" hold "$3"
END
	export LKVM_CACHE=$PWD/cache
	sh holder "$TOP/tests/lab" kernel-x86-sid one >log 2>&1 &
	until [ -e held-one ]; do sleep 0.02; done
	sh holder "$TOP/tests/lab" kernel-arm64-sid two >>log 2>&1 &
	until [ -e held-two ]; do sleep 0.02; done
	sh holder "$TOP/tests/lab" kernel-x86-sid three >log3 2>&1 &
	until grep -q "waiting for another run: fetch-kernel-x86-sid" log3; do sleep 0.02; done
	[ ! -e held-three ] || fail "the same was fetched twice"
	: >go-two
	: >go-three
	until [ -e done-two ]; do sleep 0.02; done
	[ ! -e held-three ] || fail "the same was fetched twice"
	: >go-one
	wait
	[ -e done-three ] || fail "$(cat log log3)"
}
