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

# checked MAKE KIND...: scripts/check with a make that prints what the first word says for each of its goals.
checked() {
	mkdir -p tree/scripts bin
	cp "$TOP/scripts/check" tree/scripts
	printf '#!/bin/sh\ncase "$*" in\n%s\nesac\n' "$1" >bin/make
	printf '#!/bin/sh\n' >tree/scripts/cross-sysroot
	chmod +x bin/make tree/scripts/cross-sysroot
	shift
	status=0
	PATH=$PWD/bin:$PATH tree/scripts/check --no-setup "$@" >log 2>&1 || status=$?
}

# A skipped test is a failure, whatever the kind; so is a kind that stops early. The slowest come first.
test_check_counts() {
	local status
	checked '*check-cli*) echo "ok one (7 s)"; echo "cli: 1 passed, 0 failed, 0 skipped" ;;
		*check-kvm*) echo "ok two (12.5 s)"; echo "kvm: 1 passed, 0 failed, 0 skipped" ;;' cli kvm
	[ $status = 0 ] && [ "$(tail -n 1 log)" = "2 passed, 0 failed, 0 skipped" ] || fail "$status: $(cat log)"
	[ "$(grep -A 2 "the ten slowest" log | tail -n 2 | paste -sd,)" = "  kvm: two (12 s),  cli: one (7 s)" ] || fail "$(cat log)"
	checked '*check-guest*) echo "skip one: no"; echo "guest: 1 passed, 0 failed, 1 skipped" ;;' guest
	[ $status = 1 ] && grep -q "guest: 1 skipped" log && grep -q "^    skip one: no" log || fail "$status: $(cat log)"
	checked '*check-guest*) echo "ok one"; exit 3 ;;' guest
	[ $status = 1 ] && grep -q "guest: ended with status 3 before its result" log || fail "$status: $(cat log)"
}

# What runs beside the lab counts as well, and is shown in one piece.
test_check_runs_beside_the_lab() {
	local status
	checked '*check-lab*) echo "lab: 1 passed, 0 failed, 0 skipped"; until [ -e ../cli-ran ]; do sleep 0.02; done ;;
		*check-cli*) echo "not ok one"; >../cli-ran; echo "cli: 0 passed, 1 failed, 0 skipped"; exit 1 ;;' build lab cli
	[ $status = 1 ] && tail -n 1 log | grep -q " passed, 1 failed, 0 skipped" || fail "$status: $(cat log)"
	grep -q "cli: 1 failed" log && [ "$(grep -c "^not ok one" log)" = 1 ] || fail "$(cat log)"
}

# Every pattern in tests/lab/about is of a file and of a scenario that there are.
test_about_tells_of_what_there_is() {
	local sources names word missing=
	git -C "$TOP" ls-files | sed 's,^include/lkvm/,,' >sources
	while IFS=: read -r sources names; do
		set -f
		for word in $sources; do
			[ "$(set +f; while read -r file; do [[ $file != $word ]] || { echo y; break; }; done <sources)" = y ] || missing+=" $word"
		done
		for word in $names; do
			(set +f; ls "$TOP"/tests/lab/scenarios/*/$word.sh >/dev/null 2>&1) || missing+=" $word"
		done
		set +f
	done < <(grep -v '^#' "$TOP/tests/lab/about")
	[ -z "$missing" ] || fail "nothing is called so:$missing"
}

# A bare-metal guest that no KVM in a library can run runs in the lab.
test_each_guest_runs_somewhere() {
	local source name pattern missing=
	[ -e "$BUILD/kvm/poweroff.so" ] || skip "no scripted guests for this architecture"
	pattern=$(sed -n 's/^bare_guests //p' "$TOP"/tests/lab/scenarios/x86/*.sh | tr -d "'" | tr ' ' '\n')
	for source in "$TOP"/tests/guest/x86/*.c "$TOP"/tests/guest/common/*.c; do
		name=$(basename "$source" .c)
		[ ! -e "$BUILD/kvm/$name.so" ] || continue
		set -f
		for word in $pattern; do
			# shellcheck disable=SC2053 # patterns are meant
			[[ ${source#"$TOP/tests/guest/"} != $word.c ]] || continue 2
		done
		missing+=" $name"
	done
	set +f
	[ -z "$missing" ] || fail "nothing runs:$missing"
}
