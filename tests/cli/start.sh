# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # status, out and err are set by lkvm()
# Guests that cannot be started: one clear line, status 241, nothing half-started. Point by point what
# a person can get wrong. None of these needs a KVM that runs a stock kernel.

# Where there is no usable /dev/kvm, from here on lkvm has a KVM that is a library, if it was built: tests/kvm.
needs_kvm() {
	{ [ -r /dev/kvm ] && [ -w /dev/kvm ]; } && return
	[ -x "$BUILD/kvm/lkvm" ] || skip "no usable /dev/kvm here"
	LKVM=$BUILD/kvm/lkvm
}

poke() {
	# shellcheck disable=SC2059 # octal escapes
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# A bzImage as far as its header goes, cut off behind it.
truncated_bzimage() {
	head -c 8192 /dev/zero >"$1"
	poke "$1" 497 '\004'             # setup_sects
	poke "$1" 500 '\000\020\000\000' # syssize: 64 KiB, of which the file has little
	poke "$1" 510 '\125\252'         # boot flag
	poke "$1" 514 'HdrS\017\002'     # magic, version 2.15
	poke "$1" 529 '\001'             # loaded high
}

arm64_image() {
	head -c 65536 /dev/zero >"$1"
	poke "$1" 56 'ARM\144'
}

test_memory_of_a_small_host() {
	[ "$(cat /proc/sys/vm/overcommit_memory)" != 1 ] || skip "this host gives more than it has"
	refused 241 "--mem: 1073741824 MiB is more than this host has, " run -k x -m 1P
}

test_no_kernel_anywhere() {
	local release
	release=$(uname -r)
	[ ! -e "/boot/vmlinuz-$release" ] && [ ! -e "/lib/modules/$release/vmlinuz" ] ||
		skip "this host's own kernel would be found"
	refused 241 "no kernel: give one with --kernel" run
	[[ $err == *"/boot/vmlinuz-$release"* ]] || fail "$err"
}

test_kernel_missing() {
	refused 241 "Fatal: Unable to open kernel /nowhere/bzImage" run -m 64 -k /nowhere/bzImage
	refused 241 "Fatal: Unable to open kernel nothing" run -m 64 nothing
}

test_kernel_is_a_folder() {
	mkdir folder
	refused 241 "folder" run -m 64 -k folder
}

test_kernel_truncated() {
	[ "$(uname -m)" = x86_64 ] || skip "written for x86"
	truncated_bzimage cut
	refused 241 "cut" run -m 64 -k cut
}

test_kernel_of_another_architecture() {
	[ "$(uname -m)" = x86_64 ] || skip "written for x86"
	arm64_image Image
	refused 241 "arm64" run -m 64 -k Image
}

test_kernel_is_nonsense() {
	[ "$(uname -m)" = x86_64 ] || skip "elsewhere any file may be a raw kernel"
	seq 100000 >noise
	refused 241 "noise" run -m 64 -k noise
	: >nothing
	refused 241 "nothing" run -m 64 -k nothing
}

# A kernel that starts, if there is a KVM; $good is it.
needs_kernel() {
	good=$BUILD/guest/poweroff.elf
	[ -f "$good" ] || skip "no bare-metal guests for this architecture"
}

needs_guest() {
	needs_kvm
	needs_kernel
}

test_good_kernel() {
	needs_guest
	lkvm run --nodefaults -m 64 -c 1 "$good"
	[ "$status" = 0 ] && [ -z "$err" ] || fail "status $status, it said: $err"
}

test_disk_missing() {
	needs_kernel
	refused 241 "/nowhere/disk.img" run --nodefaults -m 64 -k "$good" -d /nowhere/disk.img
	# A folder is one that is shared: a list with more than one word.
	refused 240 "--9p queues=2" run --nodefaults -m 64 -k "$good" -d .,queues=2
	refused 241 "--9p /nowhere: No such file or directory" run --nodefaults -m 64 -k "$good" --9p /nowhere,there
}

# Back ends of vhost-user, and the memory that is shared with them.
test_back_end_words() {
	needs_kernel
	local run="run --nodefaults -m 64 -k $good"
	# shellcheck disable=SC2086 # words
	{
		refused 241 "--fs socket=/nowhere/fs: No such file or directory: start the program" $run --fs socket=/nowhere/fs
		refused 241 "--disk vhost-user=nowhere: No such file or directory: start the program" $run -d vhost-user=nowhere
		refused 241 "--network mode=vhost-user,socket=nowhere: No such file" $run -n socket=nowhere
		refused 241 "--network mode=vhost-user: socket=PATH is missing" $run -n mode=vhost-user
		refused 240 "socket: it goes with mode=vhost-user" $run -n mode=tap,socket=x
		refused 240 "vhost-user=PATH would work" $run -d vhost-user=
		refused 240 "socket=PATH would work" $run --fs socket=
		refused 241 "ro, direct and serial= are its back end's" $run -d vhost-user=x,ro
		refused 240 "1 to 16 would work" $run --fs socket=x,queues=17
		refused 241 "--fs: two folders have the tag 'x'" $run --fs .,tag=x --fs /,tag=x
		refused 241 "--fs: two folders have the tag 'fs1'" $run --fs .,tag=fs1 --fs .
		refused 241 "--mem-backend anonymous: --fs shares guest memory" $run --fs socket=x --mem-backend anonymous
		refused 241 "--mem-backend guest-memfd: --disk shares guest memory" $run -d vhost-user=x --guest-memfd
		refused 241 "leave out the legacy transport" $run -n socket=x --virtio-legacy
	}
	: >file
	refused 241 "--fs socket=file: Connection refused" run --nodefaults -m 64 -k "$good" --fs socket=file
}

test_disk_locked() {
	local pid n=0
	needs_guest
	truncate -s 1M disk
	"$LKVM" run --nodefaults -m 64 -c 1 "$BUILD/guest/spin.elf" -d disk --timeout 20 >running 2>&1 </dev/null &
	pid=$!
	until grep -q spinning running; do
		n=$((n + 1))
		[ $n -lt 200 ] || fail "the first did not start: $(cat running)"
		sleep 0.05
	done
	lkvm run --nodefaults -m 64 -c 1 "$good" -d disk
	kill "$pid"
	wait "$pid"
	one_line 241 "--disk disk: " "the second"
	[[ $err == *"$pid"* ]] || fail "it does not say who has it: $err"
	lkvm run --nodefaults -m 64 -c 1 "$good" -d disk
	[ "$status" = 0 ] || fail "still locked after the first: $err"
}

test_initrd_missing() {
	needs_kernel
	refused 241 "Fatal: Unable to open initrd /nowhere" run --nodefaults -m 64 -k "$good" -i /nowhere
	refused 241 "initrd .: it is a directory" run --nodefaults -m 64 -k "$good" -i .
}

# What is seen from outside (a pty's path, a locked disk, a script that is run) comes after everything
# that may be wrong with the kernel and what goes with it.
test_nothing_half_started() {
	local devices
	needs_guest
	printf '#!/bin/sh\necho "$@" >ran\n' >script
	chmod +x script
	truncate -s 1M disk
	truncate -s 100M large
	devices="-d disk --tty 1 -n mode=tap,script=./script,downscript=./script"
	# shellcheck disable=SC2086 # words
	refused 241 "The initrd (100 MiB) does not fit into the guest's 64 MiB" \
		run --nodefaults -m 64 -k "$good" -i large $devices
	# shellcheck disable=SC2086 # words
	refused 241 "command line" run --nodefaults -m 64 -k "$good" \
		-p "$(printf '%03000d' 1)" $devices
	# shellcheck disable=SC2086 # words
	refused 241 "/nowhere" run --nodefaults -m 64 -k "$good" $devices -d /nowhere
	# shellcheck disable=SC2086 # words
	refused 241 "--network script=/nowhere: cannot be run" run --nodefaults -m 64 -k "$good" $devices -n mode=tap,script=/nowhere
	[ ! -e ran ] || fail "the network's script was run: $(cat ran)"
	refused 241 "/nowhere" run --nodefaults -m 64 -k "$good" --tty 1 -d /nowhere
}

# There is no VM yet when a file turns out to be wrong.
test_files_before_the_vm() {
	local words
	[ -x "$BUILD/kvm/lkvm" ] || skip "no KVM in a library"
	needs_kernel
	LKVM=$BUILD/kvm/lkvm
	export SCRIPTED_VM=$PWD/vm
	(umask 077 && touch occupied)
	while read -r words; do
		rm -f vm
		# shellcheck disable=SC2086 # words
		lkvm run --nodefaults -m 64 -k "$good" $words
		[ "$status" = 241 ] && [ "$(grep -c . <<<"$err")" = 1 ] || fail "$words: status $status, $err"
		[ ! -e vm ] || fail "$words: there was a VM already"
	done <<-END
		-k /nowhere
		-i /nowhere
		-d /nowhere
		-n mode=tap,script=/nowhere
		-n mode=tap,downscript=/nowhere
		-n mode=tap,fd=99
		--tty 1=/nowhere/link
		--tty 1=occupied
		--hugetlbfs /nowhere
		--mem-backend hugetlb,size=1G
		--mem-backend file,path=/nowhere/ram
		--mem-backend file,path=occupied
		--firmware /nowhere
	END
	lkvm run --nodefaults -m 64 -k "$good"
	[ "$status" = 0 ] && [ -e vm ] || fail "without any of these: status $status, $err"
}

# On a host without KVM, too, a file that is not there is what the line is about, and the disks are next.
test_files_before_kvm() {
	needs_kernel
	unshare -rm true 2>/dev/null || skip "no namespaces for this user"
	# shellcheck disable=SC2016 # the inner shell's
	printf '#!/bin/sh\nexec unshare -rm sh -c %s "$0" "$@"\n' \
		"'mount -t tmpfs none /dev && exec \"$LKVM\" \"\$@\"'" >no-kvm
	chmod +x no-kvm
	LKVM=$PWD/no-kvm
	refused 241 "Unable to open kernel /nowhere" run -k /nowhere -i /nothing -d /nothing
	refused 241 "Unable to open initrd /nowhere" run -k "$good" -i /nowhere -d /nothing
	refused 241 "--disk /nowhere: " run -k "$good" -d /nowhere
	refused 241 "/dev/kvm" run -k "$good"
}

# One line, and nothing is read twice.
test_kernel_and_initrd_from_one_pipe() {
	local err out status
	mkfifo fifo
	refused 241 "--initrd fifo: that pipe is --kernel too, and can be read only once" run -k fifo -i fifo
	refused 241 "--initrd ./fifo: that pipe is --initrd too" run -k x -i fifo -i ./fifo
	echo data | "$LKVM" run -m 64 -k /dev/stdin -i /dev/fd/0 >.out 2>.err
	status=$? err=$(cat .err) out=$(cat .out)
	one_line 241 "--initrd /dev/fd/0: that pipe is --kernel too" "twice from standard input"
}

# More than fits into the guest's memory is not waited for, nor a pipe that never ends.
test_endless_pipe() {
	local err out status
	needs_kernel
	timeout 20 "$LKVM" run -m 8 -k "$good" -i /dev/stdin >.out 2>.err < <(cat /dev/zero)
	status=$? err=$(cat .err) out=$(cat .out)
	one_line 241 "Unable to open initrd /dev/stdin: more than 8 MiB came out of it" "a pipe without end"
	timeout 20 "$LKVM" run -m 8 -k <(:) >.out 2>.err </dev/null
	status=$? err=$(cat .err) out=$(cat .out)
	one_line 241 "nothing came out of it" "an empty pipe"
}

# While it waits for the other end, a signal ends it.
test_signal_while_a_pipe_is_read() {
	local pid
	mkfifo fifo
	"$LKVM" run -m 64 -k fifo >.out 2>.err </dev/null &
	pid=$!
	# Returns when lkvm has opened it.
	exec 9>fifo
	kill -TERM $pid
	wait $pid
	status=$?
	exec 9>&-
	[ "$status" = 143 ] && [ ! -s .err ] || fail "status $status, it said: $(cat .err)"
}

test_kernel_from_a_pipe() {
	needs_guest
	lkvm run --nodefaults -m 64 -c 1 -k <(cat "$good")
	[ "$status" = 0 ] && [ -z "$err" ] || fail "status $status, it said: $err"
	# A copy is kept for other lives.
	truncate -s 1M disk
	SCRIPTED_GUEST=reboot lkvm run --nodefaults -m 64 -c 2 -k <(cat "$BUILD/guest/reboot.elf") --reboot -d disk
	[ "$status" = 0 ] && [ "$out" = "$(printf 'life %s\n' 1 2 3)" ] || fail "status $status, $out, $err"
	"$LKVM" run --nodefaults -m 64 -c 1 -k /dev/stdin <"$good" >.out 2>.err
	status=$?
	[ "$status" = 0 ] && [ ! -s .err ] || fail "status $status, it said: $(cat .err)"
}

# In a mount namespace of its own, /dev is empty.
test_no_dev_kvm() {
	needs_kernel
	unshare -rm true 2>/dev/null || skip "no namespaces for this user"
	# shellcheck disable=SC2016 # the inner shell's
	unshare -rm sh -c 'mount -t tmpfs none /dev && exec "$0" run -m 64 -k "$1"' "$LKVM" "$good" \
		>.out 2>.err </dev/null
	status=$? out=$(cat .out) err=$(cat .err)
	one_line 241 "/dev/kvm" "lkvm without /dev/kvm"
}

# A /dev/kvm that the user may not open: the group that may is named.
test_no_permission_on_dev_kvm() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	needs_kernel
	unshare -m true 2>/dev/null || skip "no namespaces here"
	# shellcheck disable=SC2016 # the inner shell's
	unshare -m sh -c 'mount -t tmpfs none /mnt && cp "$0" /mnt/lkvm && cp "$1" /mnt/x && cd /mnt &&
		mount -t tmpfs none /dev && mknod /dev/kvm c 10 232 && chgrp 4 /dev/kvm && chmod 660 /dev/kvm &&
		exec setpriv --reuid 65534 --regid 65534 --clear-groups /mnt/lkvm run -m 64 -k x' \
		"$LKVM" "$good" >.out 2>.err </dev/null
	status=$? out=$(cat .out) err=$(cat .err)
	one_line 241 "/dev/kvm" "lkvm without permission"
	[[ $err == *"group adm"* || $err == *"group 'adm'"* ]] || fail "the group is not named: $err"
}

# The first three descriptors closed: nothing of the guest's may land in a file opened in their place.
test_closed_standard_descriptors() {
	"$LKVM" run -k /nowhere/kernel -m 64 <&- >&- 2>&-
	status=$?
	[ "$status" = 241 ] || fail "status $status"
}

# The same for the other commands: one that talks to a guest would tell it what it has to say.
test_closed_standard_descriptors_of_commands() {
	local command
	export LKVM_RUNTIME_DIR=$PWD/run
	mkdir -m 700 run
	for command in list "list --json" "stat -a" "stat -a --json" version "help run" "stop --help"; do
		# shellcheck disable=SC2086 # words
		"$LKVM" $command <&- >&- 2>&-
		status=$?
		[ "$status" = 0 ] || fail "lkvm $command: status $status"
	done
	"$LKVM" stop x <&- >&- 2>&-
	status=$?
	[ "$status" = 247 ] || fail "lkvm stop x: status $status"
}

# On a terminal, which is raw by then, every line of the registers ends with a carriage return too.
test_registers_on_a_terminal() {
	needs_guest
	command -v script >/dev/null || skip "no script(1)"
	# Input that stays open: at its end script(1) types ^D, which shows wherever it comes.
	mkfifo hold
	exec 9<>hold
	SCRIPTED_GUEST=internal-exit script -qec "stty raw; '$LKVM' run --nodefaults -m 64 -c 1 '$BUILD/guest/internal-error.elf' >/dev/null" \
		/dev/null >seen <&9
	grep -q "^rip " seen || fail "no registers: $(cat seen)"
	sed -n '/Fatal/,$p' seen | grep -v "$(printf '\r')\$" && fail "a line without a carriage return"
	return 0
}

# on_a_terminal WORDS...: lkvm with those, standard error being a terminal; $seen is what it showed.
on_a_terminal() {
	command -v script >/dev/null || skip "no script(1)"
	mkfifo hold 2>/dev/null
	exec 9<>hold
	script -qec "'$LKVM' $*" /dev/null >.seen <&9
	seen=$(tr -d '\r' <.seen)
}

# What is started, for who did not name it; scripts get no such line.
test_line_at_the_start() {
	needs_guest
	on_a_terminal "run --nodefaults -m 64 -c 1 --name x -k $good"
	[ "${seen%%$'\n'*}" = "  Info: Guest x: kernel $good, 1 CPU, 64 MiB of memory" ] || fail "$seen"
	cp "$good" kernel
	printf 'Linux version 6.12.0-rc1+ (me@here) 1' >>kernel
	on_a_terminal "run --nodefaults -m 64 -c 2 --name x -k kernel"
	[[ $seen == *"kernel kernel (6.12.0-rc1+), 2 CPUs, 64 MiB"* ]] || fail "$seen"
	on_a_terminal "run --nodefaults -m 64 -c 1 --loglevel warning -k $good"
	[[ $seen != *Info:* ]] || fail "$seen"
}

# A new user's first kernel: the panic's reason is known, and so is what to do.
test_hint_after_a_panic_without_root() {
	needs_guest
	lkvm run --nodefaults -m 64 -c 1 --name x -k "$BUILD/guest/panic-line.elf"
	[ "$status" = 242 ] || fail "status $status"
	[[ $err == "  Error: Guest x panicked"$'\n'"  Info: It found no root file system"*" -i"*" -d "*"root="* ]] ||
		fail "$err"
	[ "$(wc -l <.err)" = 2 ] || fail "$err"
}

# with_host NR MAX MEMORY: lkvm on a host whose KVM recommends NR vCPUs and makes MAX, with so many MiB.
with_host() {
	command -v "${CC:-cc}" >/dev/null || skip "no compiler"
	case $BUILD in *-asan | *-tsan) skip "sanitizers come first" ;; esac
	cat >host.c <<-'C'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <linux/kvm.h>
		#include <stdarg.h>
		#include <stdlib.h>
		#include <sys/sysinfo.h>
		int ioctl(int fd, unsigned long request, ...)
		{
			va_list args;
			long arg;
			va_start(args, request);
			arg = va_arg(args, long);
			va_end(args);
			if (request == KVM_CHECK_EXTENSION && arg == KVM_CAP_NR_VCPUS)
				return atoi(getenv("HOST_NR"));
			if (request == KVM_CHECK_EXTENSION && arg == KVM_CAP_MAX_VCPUS)
				return atoi(getenv("HOST_MAX"));
			return ((int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl"))(fd, request, arg);
		}
		int sysinfo(struct sysinfo *info)
		{
			*info = (struct sysinfo){ .totalram = atol(getenv("HOST_MIB")), .mem_unit = 1 << 20 };
			return 0;
		}
	C
	"${CC:-cc}" -shared -fPIC -o host.so host.c || fail "host.c"
	export HOST_NR=$1 HOST_MAX=$2 HOST_MIB=$3
	real=$LKVM
	printf '#!/bin/sh\nLD_PRELOAD=%s/host.so exec "%s" "$@"\n' "$PWD" "$real" >on-host
	chmod +x on-host
	LKVM=$PWD/on-host
}

test_cpus_are_what_kvm_makes() {
	needs_guest
	with_host 2 4 8192
	refused 241 "--cpus 5: this host's KVM makes at most 4 vCPUs" run --nodefaults -m 64 -c 5 "$good"
	lkvm run --nodefaults -m 64 -c 3 "$good"
	[ "$status" = 0 ] && [ "$err" = "  Warning: --cpus 3: this host's KVM recommends at most 2" ] ||
		fail "status $status, it said: $err"
	lkvm run --nodefaults -m 64 -c 2 "$good"
	[ "$status" = 0 ] && [ -z "$err" ] || fail "status $status, it said: $err"
	# A KVM that tells neither makes four.
	HOST_NR=0 HOST_MAX=0
	refused 241 "--cpus 5: this host's KVM makes at most 4 vCPUs" run --nodefaults -m 64 -c 5 "$good"
}

# A host with more memory than its CPUs give a guest addresses for.
test_memory_beyond_the_address_width() {
	needs_guest
	[ "$(uname -m)" = x86_64 ] || skip "written for x86"
	with_host 2 4 $((16 << 30))
	refused 241 "guests on this host have addresses of " run --nodefaults -c 1 -m 8P "$good"
}

test_name_is_the_pid() {
	local pid
	needs_guest
	"$LKVM" run --nodefaults -m 64 -c 1 --timeout 1 "$BUILD/guest/spin.elf" >.out 2>.err </dev/null &
	pid=$!
	wait $pid
	[ "$(head -n 1 .err)" = "  Error: Guest guest-$pid did not end within 1 second" ] || fail "$pid: $(cat .err)"
	lkvm run --nodefaults -m 64 -c 1 --timeout 1 --name other "$BUILD/guest/spin.elf"
	[ "${err%%$'\n'*}" = "  Error: Guest other did not end within 1 second" ] || fail "$err"
}

# ./bzImage, then the tree's, then the host's own: $good is booted wherever it is looked for.
test_kernel_is_looked_for() {
	local release
	needs_guest
	[ "$(uname -m)" = x86_64 ] || skip "written for x86"
	boots() {
		lkvm run --nodefaults -m 64 -c 1 --debug
		[ "$status" != 99 ] || skip "no mounts for this user"
		[ "$status" = 0 ] && [[ $err == *"kernel $1"* ]] || fail "not $1: status $status, $err"
	}
	mkdir -p arch/x86/boot
	cp "$good" arch/x86/boot/bzImage
	boots arch/x86/boot/bzImage
	cp "$good" bzImage
	boots bzImage
	rm -r bzImage arch
	# In a folder of the tree two steps down, as tools/ of the kernel's has them.
	mkdir -p arch/x86/boot tools/testing
	cp "$good" arch/x86/boot/bzImage
	cd tools/testing
	boots ../../arch/x86/boot/bzImage
	cd ../..
	rm -r arch tools
	unshare -rm true 2>/dev/null || skip "no namespaces for this user"
	release=$(uname -r)
	cp "$good" .good
	# shellcheck disable=SC2016 # the inner shell's
	printf '#!/bin/sh\nexec unshare -rm sh -c %s "$0" "$@"\n' "'
		mount -t tmpfs boot /boot || exit 99
		mkdir -p /lib/modules 2>/dev/null
		mount -t tmpfs modules /lib/modules || exit 99
		mkdir /lib/modules/$release
		\$PREPARE
		exec \"$LKVM\" \"\$@\"'" >host
	chmod +x host
	LKVM=$PWD/host
	export PREPARE="cp $PWD/.good /lib/modules/$release/vmlinuz"
	boots "/lib/modules/$release/vmlinuz"
	PREPARE="cp $PWD/.good /boot/bzImage-$release"
	boots "/boot/bzImage-$release"
	PREPARE="cp $PWD/.good /boot/vmlinuz-$release"
	boots "/boot/vmlinuz-$release"
}
