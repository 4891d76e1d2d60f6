# SPDX-License-Identifier: GPL-2.0-or-later
# Runs what stage.sh collected: in an emulated host under QEMU, or on this machine.
# Sourced by run, whose variables these functions use.

native_deb=$(lab_native_deb)

# fsdev ID DIR [OPTIONS]: a folder of this machine shown in the host. security_model=none
# asks for no privilege: files belong to whoever runs this.
fsdev() {
	echo "-fsdev local,id=$1,path=$2,security_model=none${3:-} -device virtio-9p-pci,fsdev=$1,mount_tag=lab.$1"
}

# port ID FILE: a line of its own from the host to here.
port() {
	echo "-chardev file,id=$1,path=$2 -device virtserialport,bus=serial.0,chardev=$1,name=lab.$1"
}

run_emulated() {
	local _n _s _image _initrd _cmdline _status _what
	_image=$kernel
	if [ -d "$ARCH_CACHE/kernels/$kernel" ]; then
		# The unpacked kernel spares the emulator a second of unpacking.
		_image=$ARCH_CACHE/kernels/$kernel/$HOST_IMAGE
	else
		kernel=$(host_kernel "$(lab_codename)")
	fi
	_initrd=$(with_lock initrd host_initrd "$kernel" "$HOST_MODULES $modules")
	_cmdline="$HOST_CMDLINE $(host_clock) panic=-1 loglevel=4 lab.modules=$(echo $HOST_MODULES $modules | tr ' -' ',_') $append"

	stage_env /lab/cache /lab/run /lab/out emulated >"$work/env"
	mkdir "$work/out"
	_n=0
	set -- $(fsdev cache "$LAB_CACHE" ,readonly=on,multidevs=remap) \
		$(fsdev run "$work") $(fsdev out "$(cd "${out:-$work/out}" && pwd)")
	for _s in $shares; do
		_n=$((_n + 1))
		echo "lab.share$_n:${_s#*:}" >>"$work/shares"
		set -- "$@" $(fsdev "share$_n" "$(cd "${_s%%:*}" && pwd)" ,readonly=on,multidevs=remap)
	done

	: "${log:=$work/console.log}"
	: >"$work/status"
	mkfifo "$work/out.fifo" "$work/err.fifo"
	set -- "$@" -device virtio-serial-pci,id=serial $(port status "$work/status")
	if [ -n "$shell" ]; then
		_cmdline="$_cmdline lab.shell=1"
		echo "LAB_ROWS=$(stty size | cut -d' ' -f1) LAB_COLS=$(stty size | cut -d' ' -f2)" >>"$work/env"
		set -- "$@" -chardev stdio,id=shell,signal=off -device virtconsole,bus=serial.0,chardev=shell
		_what="timeout --foreground"
	else
		# Through pipes of our own: QEMU makes its outputs non-blocking, which must
		# not happen to the caller's.
		cat "$work/out.fifo" &
		cat "$work/err.fifo" >&2 &
		set -- "$@" $(port out "$work/out.fifo") $(port err "$work/err.fifo")
		_what=timeout
	fi

	started=$(date +%s)
	set -- "$LAB_CACHE/qemu-$ARCH-$native_deb/bin/$QEMU_BINARY" $QEMU_MACHINE \
		-accel tcg,thread=multi -smp "$smp" -m "$mem" -nodefaults -no-user-config \
		-display none -no-reboot -chardev "file,id=log,path=$log" -serial chardev:log \
		-kernel "$_image" -initrd "$_initrd" -append "$_cmdline" "$@" $qemu
	if [ -n "$shell" ]; then
		$_what --kill-after=5 "$timeout" "$@" && _status=0 || _status=$?
		stty sane
	else
		$_what --kill-after=5 "$timeout" "$@" </dev/null 2>"$work/qemu.err" &
		qemu_pid=$!
		wait "$qemu_pid" && _status=0 || _status=$?
		qemu_pid=
		wait
	fi
	verdict "$_status"
}

# verdict QEMU-STATUS: ends with the script's status if there is one.
verdict() {
	local _status _uptime _took=$(($(date +%s) - started))
	read -r _status _uptime <"$work/status" || :
	if [ -n "$_status" ]; then
		[ "${_uptime%.*}" -le $((_took + 5)) ] ||
			say "warning: $_uptime s passed in the host, but $_took s here"
		exit "$_status"
	fi
	if [ "$1" = 124 ] || [ "$1" = 137 ]; then
		_status=124
		say "the time was up ($timeout s)"
	elif grep -q 'Kernel panic' "$log" 2>/dev/null; then
		_status=125
		say "the emulated host panicked"
	else
		_status=125
		say "the emulated host ended without a verdict (QEMU: $1)"
	fi
	tail -n 40 "$log" "$work/qemu.err" 2>/dev/null | sed 's/^/lab: host: /' >&2
	exit "$_status"
}

# run_native: the same script, variables and programs on this machine's own KVM.
run_native() {
	local _applet _status
	mkdir "$work/bin" "$work/applets" "$work/out"
	for _applet in $(lab_applets); do
		ln -s "$ARCH_CACHE/busybox" "$work/applets/$_applet"
	done
	[ ! -f "$lkvm" ] || ln -s "$(cd "$(dirname "$lkvm")" && pwd)/${lkvm##*/}" "$work/bin/lkvm"
	stage_env "$LAB_CACHE" "$work" "$(cd "${out:-$work/out}" && pwd)" native >"$work/env"
	# busybox's programs come first in there, as in the host, and these two lack options.
	set -- "$(command -v setsid)" -w "$(command -v timeout)" --kill-after=5 "$timeout"
	(
		PATH=$work/bin:$work/applets:$PATH
		. "$work/env"
		cd "$work"
		exec "$@" "$ARCH_CACHE/busybox" sh "$work/script"
	) </dev/null && _status=0 || _status=$?
	[ "$_status" != 124 ] || say "the time was up ($timeout s)"
	exit "$_status"
}
