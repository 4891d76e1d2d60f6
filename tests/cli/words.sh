# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # status, out and err are set by lkvm()
# Commands, help, and command lines that make no sense: status 240.

test_no_command() {
	lkvm
	[ "$status" = 240 ] && [ -z "$out" ] || fail "status $status, stdout: $out"
	[[ $err == *"The most commonly used lkvm commands are:"* ]] || fail "$err"
}

test_help() {
	local words
	for words in help --help -h; do
		lkvm $words
		[ "$status" = 0 ] && [ -z "$err" ] || fail "lkvm $words: status $status, $err"
		grep -qx "The most commonly used lkvm commands are:" .out || fail "lkvm $words: $out"
		grep -q "^   run  *[A-Z]" .out || fail "lkvm $words: $out"
	done
}

test_help_of_commands() {
	local first words
	lkvm help run
	[ "$status" = 0 ] && [ -z "$err" ] || fail "status $status, $err"
	[[ $out == "Usage: lkvm run"* && $out == *"-k, --kernel FILE"* ]] || fail "$out"
	first=$out
	for words in "run --help" "run -h" "run -c 2 --help"; do
		# shellcheck disable=SC2086 # words
		lkvm $words
		[ "$status" = 0 ] && [ "$out" = "$first" ] || fail "lkvm $words: $out"
	done
	lkvm help version
	[ "$status" = 0 ] && [[ $out == "Usage: lkvm version"* ]] || fail "$out"
	lkvm help help
	[ "$status" = 0 ] && [[ $out == "Usage: lkvm help"* ]] || fail "$out"
	refused 240 "did you mean 'lkvm run'?" help rnu
	refused 240 "takes one command" help run run
}

test_help_of_snp_digest_is_short() {
	lkvm help snp-digest
	[ "$status" = 0 ] || skip "this lkvm has no snp-digest"
	[[ $out == *"--snp "* && $out == *"-c, --cpus"* ]] || fail "$out"
	[[ $out != *--disk* && $out != *--network* && $out != *Messages:* ]] || fail "$out"
	# What is not shown is taken all the same.
	refused 240 "--disk '': give it a FILE" snp-digest --disk=
}

test_help_is_narrow() {
	lkvm help run
	awk 'length > 100 { print "too wide: " $0; bad = 1 } END { exit bad }' .out
}

test_version() {
	local words
	for words in version --version; do
		lkvm $words
		[ "$status" = 0 ] && [ -z "$err" ] || fail "lkvm $words: status $status, $err"
		[[ $out == "lkvm "?*$'\n'"architecture: "?*$'\n'"built with: libaio"* ]] || fail "$out"
	done
	refused 240 "'now'" version now
}

test_version_tells_what_is_linked() {
	local library linked told
	command -v ldd >/dev/null || skip "no ldd"
	lkvm version
	ldd "$LKVM" | grep -q -e libslirp -e libglib && fail "libslirp is linked: it must be loaded by its own process"
	for library in libzstd libnettle; do
		linked=no told=no
		ldd "$LKVM" | grep -q $library && linked=yes
		[[ $out == *$library* ]] && told=yes
		[ $linked = $told ] || fail "$library: linked $linked, told $told"
	done
}

test_output_that_cannot_be_written() {
	[ -w /dev/full ] || skip "no /dev/full"
	"$LKVM" help run >/dev/full 2>.err
	status=$? out='' err=$(cat .err)
	one_line 246 "standard output: " "lkvm help run >/dev/full"
}

test_unknown_command() {
	refused 240 "unknown command 'rnu'; did you mean 'lkvm run'?" rnu
	refused 240 "unknown command 'frobnicate'; 'lkvm help' shows those there are" frobnicate
	refused 240 "unknown command '--frobnicate'" --frobnicate
	refused 240 "unknown command ''" ""
}

test_unknown_option() {
	refused 240 "unknown option --kernle; did you mean --kernel?" run --kernle x
	refused 240 "unknown option --memory; did you mean --mem?" run --memory 512
	refused 240 "unknown option --frobnicate; 'lkvm help run' shows" run --frobnicate
	refused 240 "unknown option -Z" run -Z
	refused 240 "--n could be --name, --nodefaults, --network" run --n 1
	refused 240 " and others" run --no-
	refused 240 "unknown option --no-loglevel" run --no-loglevel
}

test_values() {
	refused 240 "--cpus 0: too small; 1 to " run -k x -c 0
	refused 240 "--cpus 100000: too large; 1 to " run -k x -c 100000
	refused 240 "--mem 0: too little" run -k x -m 0
	refused 240 "--mem abc: not a size; 512 (MiB), 512M or 2G would work" run -k x -m abc
	refused 240 "more bytes than 64 bits" run -k x -m 99999999999999999999
	refused 240 "-m needs a value: --mem SIZE" run -m
	refused 240 "--console hv: not known; it can be serial or virtio" run --console hv
	refused 240 "--reboot takes no value" run --reboot=1
	refused 240 "--disk rw: did you mean ro?" run -d a,rw
	refused 240 "hostfwd=22:" run -n hostfwd=22
	refused 240 "'b': the kernel is a already" run a b
	refused 240 "-- ls: a command for the guest" run a -- ls
}
