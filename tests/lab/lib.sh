# SPDX-License-Identifier: GPL-2.0-or-later
# What a scenario can say. Sourced before it by busybox's shell, in the emulated host
# or natively. A scenario is one test: it fails at the first thing that is not as
# expected, with the reason as the last word, and passes when it reaches its end.
# $T is its own empty folder; what it prints is shown when it fails.

# Statuses of lkvm, under the names of include/lkvm/config/exit-status.h, which run has read.
ST_OK=$EXIT_GUEST_DONE ST_USAGE=$EXIT_USAGE ST_START=$EXIT_START ST_PANIC=$EXIT_GUEST_PANIC
ST_TRIPLE=$EXIT_TRIPLE_FAULT ST_KVM=$EXIT_INTERNAL_ERROR ST_TIMEOUT=$EXIT_TIMEOUT ST_RUNTIME=$EXIT_HOST_ERROR
ST_INT=130 ST_KILL=137 ST_TERM=143

OUT=$T/out
vm_pid=

fail() {
	echo "$*" >"$T/why"
	echo "FAIL: $*"
	exit 1
}

skip() {
	echo "$*" >"$T/why"
	echo "SKIP: $*"
	exit 77
}

note() {
	echo "# $(cut -d ' ' -f 1 /proc/uptime) $*"
}

# expect_status N COMMAND...: its output, both streams, is in $OUT afterwards.
expect_status() {
	local want=$1 got=0
	shift
	note "$*"
	"$@" >"$OUT" 2>&1 || got=$?
	cat "$OUT"
	[ "$got" = "$want" ] || fail "status $got, not $want: $1 ${2:-} ..."
}

# expect_output PATTERN [FILE]: an extended regular expression found in the last output.
expect_output() {
	grep -aqE -e "$1" "${2:-$OUT}" || fail "no '$1' in the output"
}

expect_no_output() {
	! grep -aqE -e "$1" "${2:-$OUT}" || fail "'$1' in the output: $(grep -aE -m 1 -e "$1" "${2:-$OUT}")"
}

# expect_same WHAT A B
expect_same() {
	[ "$2" = "$3" ] || fail "$1: '$2' and '$3' differ"
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

need_tool() {
	local t
	for t; do
		command -v "$t" >/dev/null || skip "needs $t"
	done
}

# kernel LABEL [FORM]: the guests of this scenario run that kernel ("small" unless called), in the form that starts
# fastest or, with $LAB_IMAGE, in the one that distributions install.
kernel() {
	[ -d "$LAB_KERNELS/$1" ] || skip "no kernel '$1' in the cache"
	LAB_KERNEL=$LAB_KERNELS/$1/${2:-$LAB_QUICK_IMAGE}
	LAB_VMLINUX=$LAB_KERNELS/$1/vmlinux
	LAB_INITRD=$LAB_KERNELS/$1/initrd.cpio.gz
	# As a pattern: releases have plus signs.
	LAB_RELEASE=$(sed 's/[+.]/[&]/g' "$LAB_KERNELS/$1/release")
}
# The small one where it was made: who is about what distributions have says so.
default_kernel() {
	[ -d "$LAB_KERNELS/small" ] && kernel small || kernel stock
}
default_kernel

# How a busybox guest is started: guest SCRIPT [MODULES [PARAMETERS]] gives the words for -p.
# The limit ends a guest that hangs before the scenario's own limit does.
# With any module come those of the transports: some of Debian's kernels have them built in,
# some not.
guest() {
	local transports=virtio_pci,virtio_mmio
	echo "console=${GUEST_CONSOLE:-$LAB_CONSOLE} panic=-1 quiet lab.run=$1.sh lab.modules=${2:+$transports,$2} ${3:-}"
}

# lkvm_run ARGS...: a guest with the lab's kernel and busybox initrd and nothing else but
# what ARGS say; -p comes from guest().
lkvm_run() {
	${LAB_EXEC:-} lkvm run --nodefaults -k "$LAB_KERNEL" -i "$LAB_INITRD" -c 1 -m 256 --timeout "${LAB_LIMIT:-150}" "$@"
}

# start COMMAND...: in the background, its input from $LAB_INPUT if that is set, its output in $T/console. lkvm_run becomes lkvm itself, so
# that a signal to $vm_pid reaches it and not a shell that waits for it.
start() {
	note "$* &"
	: >"$T/console"
	(LAB_EXEC=exec; "$@") >"$T/console" 2>&1 <"${LAB_INPUT:-/dev/null}" &
	vm_pid=$!
}

# wait_output PATTERN [SECONDS]: until the console of start's command has it.
wait_output() {
	local left=$((${2:-150} * 5))
	until grep -aqE -e "$1" "$T/console"; do
		[ -d "/proc/$vm_pid" ] || { cat "$T/console"; fail "ended before '$1' was seen"; }
		[ "$left" -gt 0 ] || { cat "$T/console"; fail "no '$1' on the console in ${2:-150} s"; }
		left=$((left - 1))
		sleep 0.2
	done
}

# expect_end STATUS [SECONDS]: start's command ends by itself, with STATUS, within that time.
expect_end() {
	local left=$((${2:-30} * 10)) got=0
	while [ -d "/proc/$vm_pid" ] && ! grep -q '^State:.Z' "/proc/$vm_pid/status" 2>/dev/null; do
		[ "$left" -gt 0 ] || { cat "$T/console"; fail "still running ${2:-30} s later"; }
		left=$((left - 1))
		sleep 0.1
	done
	wait "$vm_pid" || got=$?
	cat "$T/console"
	[ "$got" = "$1" ] || fail "status $got, not $1"
}

# data_file FILE MIB: that much of what no compression or zero detection can hide.
# Generated once in a host: random numbers are slow under emulation.
data_file() {
	local pool=$LAB_TMP/random
	[ -s "$pool" ] || head -c 4194304 /dev/urandom >"$pool"
	{
		local i=0
		while [ $i -lt $(($2 / 4)) ]; do
			# A number in each 4 MiB makes swapped blocks visible.
			printf '%08d' $i
			tail -c +9 "$pool"
			i=$((i + 1))
		done
	} >"$1"
}

# mib N: that many MiB to move or, where emulated CPUs take long, a quarter of them.
mib() {
	case $LAB_HOW in
	native) echo "$1" ;;
	*) echo $(($1 / 4)) ;;
	esac
}

sum() {
	md5sum <"$1" | cut -d ' ' -f 1
}

# bare_guests PATTERN...: tests/guest's programs of those paths. Each that fails is named; in an emulated
# host, which has all that they take, none may be said to run elsewhere. Natively, make check-guest runs them.
bare_guests() {
	local made=/lab/guests/made source=/lab/guests/source pattern sources=
	[ "$LAB_HOW" = emulated ] || return 0
	[ -d "$made" ] || fail "no guests: make check-lab brings them"
	for pattern; do
		sources="$sources $(ls $source/$pattern.c 2>/dev/null)"
	done
	[ -n "${sources# }" ] || fail "no guest is named so: $*"
	# shellcheck disable=SC2086 # paths of ours are words
	sh $source/run guest "$(command -v lkvm)" $made "" $sources >"$OUT" 2>&1 || :
	cat "$OUT"
	expect_no_output "^guest: 0 passed"
	! grep -q -e "^not ok" -e "^elsewhere" "$OUT" ||
		fail "$(sed -n 's/^not ok \([^:]*\):.*/\1/p; s/^elsewhere \([^:]*\):.*/\1 (not run)/p' "$OUT" | paste -sd ' ' -)"
	expect_output "^guest: .* 0 failed, 0 skipped"
}

# net_serve ADDRESS MIB: the host's side of guest/net.sh; sets PORT, and NET_WORDS for the guest.
net_serve() {
	PORT=$((20000 + $$ % 20000))
	NET_WORDS="lab.port=$PORT lab.mib=$2"
	mkdir "$T/www"
	data_file "$T/www/data" "$2"
	httpd -f -p "$1:$PORT" -h "$T/www" &
	# nc's input stays open, or it would close the connection before anything came.
	mkfifo "$T/open"
	exec 5<>"$T/open"
	net_listen
}

# net_listen: for one more guest that sends, after net_compare.
net_listen() {
	nc -l -p $((PORT + 1)) <"$T/open" >"$T/back" &
	nc_pid=$!
}

# net_compare: what went each way, after the guest has ended.
net_compare() {
	expect_output "lab-guest: status 0"
	wait "$nc_pid"
	expect_same "host to guest" "$(sum "$T/www/data")" "$(sed -n 's/^got: \([0-9a-f]*\).*/\1/p' "$OUT")"
	expect_same "guest to host" "$(sed -n 's/^sent: \([0-9a-f]*\).*/\1/p' "$OUT")" "$(sum "$T/back")"
}

# in_namespace FILE: this scenario's part in FILE, again from its start, in a network
# namespace of its own.
in_namespace() {
	[ -z "${LAB_NS:-}" ] || return 0
	local own=
	[ "$(id -u)" = 0 ] || own=-r
	unshare $own -n true 2>/dev/null || skip "no network namespaces"
	LAB_NS=y exec unshare $own -n sh -c '. "$LAB_RUN/tests/lib.sh"; ip link set lo up; . "$1"; exit 0' sh "$1"
}

# boots_as FORM...: the same kernel in each of them.
boots_as() {
	local _form
	kernel stock
	for _form; do
		[ -e "$LAB_KERNELS/stock/$_form" ] || fail "the cache has no $_form"
		LAB_KERNEL=$LAB_KERNELS/stock/$_form
		expect_status $ST_OK lkvm_run -p "$(guest hello)"
		expect_output "^Linux .* $LAB_RELEASE "
		expect_output "lab-guest: status 0"
	done
}

# rtc_works NAME: the clock of that name shows the host's time, and Linux takes it for its own.
rtc_works() {
	local _before _after _shown
	_before=$(date +%s)
	expect_status $ST_OK lkvm_run -c 2 -p "$(guest rtc)"
	_after=$(date +%s)
	expect_output "lab-guest: status 0"
	expect_output "^rtc: $1 .*hctosys 1 is at [0-9]+, Linux at [0-9]+"
	for _shown in $(sed -n "s/^rtc: $1 .*hctosys 1 is at \([0-9]*\), Linux at \([0-9]*\).*/\1 \2/p" "$OUT"); do
		[ "$_shown" -ge "$_before" ] && [ "$_shown" -le "$_after" ] ||
			fail "a clock showed '$_shown', it was between $_before and $_after"
	done
}

# efi_shell COMMANDS...: lkvm with $EFI_OPTIONS runs a firmware; types the commands at its shell's prompt, the last of
# them ends the guest. While the firmware counts down, "s" is the key for the shell.
efi_shell() {
	local seen words status=0
	rm -f keys
	mkfifo keys
	# Both ends here, so that neither side waits for the other to open its own.
	exec 3<>keys
	# shellcheck disable=SC2086 # options are words
	lkvm run --nodefaults --reboot $EFI_OPTIONS -m 512 -c 2 --timeout 400 <&3 >"$OUT" 2>&1 &
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
	wait $vm_pid || status=$?
	exec 3>&-
	tr -d '\033' <"$OUT"
	expect_same "lkvm's status" $status $ST_OK
}

# tree NAME OPTIONS...: $OUT is the source that dtc makes of the machine's device tree, which is compared with
# the one in the scenario's folder. DTC_FLAGS are more options for dtc, which has nothing to say against it.
tree() {
	local status=0 name=$1
	shift
	lkvm run --nodefaults -k "$LAB_KERNEL" -i "$LAB_INITRD" -m 256 --timeout 1 \
		--dump-dtb tree.dtb "$@" >log 2>&1 || status=$?
	[ $status = $ST_TIMEOUT ] || { cat log; fail "status $status: $*"; }
	"$LAB_TOOLS/dtc" ${DTC_FLAGS:-} -I dtb -O dts -o "$OUT" tree.dtb 2>warnings || fail "dtc: $(cat warnings)"
	[ ! -s warnings ] || fail "$*: $(cat warnings)"
	# What is random, and what depends on the size of an initrd.
	sed -E -i -e '1i // SPDX-License-Identifier: GPL-2.0-or-later' \
		-e '/(-seed|linux,initrd-[a-z]+) = /s/0x[0-9a-f]+/0x00/g' "$OUT"
	cp "$OUT" "$LAB_OUT/dtb-$name.dts"
	diff -u "$LAB_RUN/tests/dtb/$name.dts" "$OUT" || trees_differ="${trees_differ:-} $name"
}

# trees_same: every tree there was is the one in the folder.
trees_same() {
	[ -z "${trees_differ:-}" ] || fail "not the trees of before:$trees_differ"
}

# nested_prepare: what a guest needs to run one of its own: inner.cpio, an initrd behind the
# first, with a kernel, that kernel's initrd and lkvm itself; and outer.img, half of it the
# inner guest's. The kernel is the small one or, where there is none, the oldest.
nested_prepare() {
	local inner=$LAB_KERNELS/small
	[ -d "$inner" ] || inner=$LAB_KERNELS/stock
	mkdir -p "$T/root/inner"
	cp "$inner/$LAB_IMAGE" "$inner/initrd.cpio.gz" "$T/root/inner"
	cp "$(command -v lkvm-static || command -v lkvm)" "$T/root/inner/lkvm"
	(cd "$T/root" && find . | cpio -o -H newc) >inner.cpio 2>/dev/null
	rm -r "$T/root"
	head -c 1048576 /dev/urandom >outer.img
	nested_sum=$(dd if=outer.img bs=1024 skip=512 count=256 2>/dev/null | md5sum | cut -d ' ' -f 1)
}

# nested_run ARGS...: an outer guest at EL2 and an inner one in it; both end well.
nested_run() {
	expect_status $ST_OK lkvm_run --nested -m 512 -i inner.cpio -d outer.img \
		-p "$(guest nested virtio_blk,virtio_console "${NESTED_WORDS:-}")" "$@"
	expect_output "^outer: CPU: All CPU\(s\) started at EL2"
	expect_output "^inner: .*started at EL1"
	expect_output "^inner: sum $nested_sum"
	expect_output "^outer: inner status 0"
	expect_output "^outer: missing kernel status $ST_START"
	expect_output "^lab-guest: status 0"
	expect_same "what the inner guest wrote on its disk" "$nested_sum" \
		"$(dd if=outer.img bs=1024 skip=768 count=256 2>/dev/null | md5sum | cut -d ' ' -f 1)"
}

# pending_is_reset ARGS...: an interrupt made pending by hand in one life is not in the next (arm64).
pending_is_reset() {
	truncate -s 1M lives.img
	expect_status $ST_OK lkvm_run --reboot -d lives.img "$@" \
		-p "$(guest pending virtio_blk "lab.end=reboot iomem=relaxed")"
	expect_output "lab-guest: status 0"
	expect_same "two lives" "$(sed -n 's/^pending\( now\)*: \([0-9a-fA-Fx]*\).*/\2/p' "$OUT" | tr '\n' ' ')" \
		"0x00000000 0x10000000 0x00000000 0x10000000 "
	rm lives.img
}
