# SPDX-License-Identifier: GPL-2.0-or-later
# Collects in $work what one run puts into the emulated host: root/ is copied over
# the host's root at its start, script is what it runs, env what that finds. Sourced.

# libraries_of FILE: the loader and the libraries that FILE needs, a path on this machine and the one
# it was linked for a line. Another architecture's are in the sysroot it was built with, or installed.
# A script, a static program and a data file have none.
# With them what it is not linked with but loads when that is needed.
libraries_of() {
	local _loads=
	! LC_ALL=C grep -aqF libslirp.so.0 "$1" || _loads=libslirp.so.0
	if [ "$native_deb" = "$DEB_ARCH" ]; then
		[ -z "$_loads" ] || _loads=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p |
			sed -n "s,.*$_loads .*=> \(/.*\),\1,p" | head -n 1)
		[ -z "$_loads" ] || echo "$_loads $_loads"
		# shellcheck disable=SC2086 # none or one
		ldd "$1" $_loads 2>/dev/null | sed -n 's,^[^/]*\(/[^ ]*\) (0x[0-9a-f]*)$,\1 \1,p'
		return
	fi
	_seen=
	foreign_libraries "$1" $_loads
}

# foreign_libraries FILE [NAME]: NAME too.
foreign_libraries() {
	local _name _dir _path
	for _name in ${2:-} $(readelf -W -l -d "$1" 2>/dev/null |
		sed -n 's/.*Shared library: \[\(.*\)\]/\1/p; s/.*program interpreter: \(.*\)\]/\1/p'); do
		case " $_seen " in *" $_name "*) continue ;; esac
		_seen="$_seen $_name"
		case $_name in
		/*) set -- "${_name%/*}" ;;
		*) set -- "/lib/$TRIPLET" "/usr/lib/$TRIPLET" ;;
		esac
		_path=
		for _dir; do
			_path=$(ls "$SYSROOT$_dir/${_name##*/}" "$_dir/${_name##*/}" 2>/dev/null | head -n 1)
			[ -z "$_path" ] || break
		done
		[ -n "$_path" ] || die "a program needs $_name for $DEB_ARCH: scripts/cross-sysroot $ARCH gets it"
		echo "$_path $_dir/${_name##*/}"
		foreign_libraries "$_path"
	done
}

# stage_binary FILE PATH: with the libraries it needs and its loader, at the paths it
# was linked for, so that it runs there exactly as it does here.
stage_binary() {
	local _from _to
	mkdir -p "$work/root${2%/*}"
	cp -L "$1" "$work/root$2"
	libraries_of "$1" >"$work/libraries"
	while read -r _from _to; do
		mkdir -p "$work/root${_to%/*}"
		[ -e "$work/root$_to" ] || cp -L "$_from" "$work/root$_to"
	done <"$work/libraries"
}

stage_lkvm() {
	mkdir -p "$work/root"
	if [ -f "$1" ]; then
		stage_binary "$1" /usr/local/bin/lkvm
	else
		say "no $1: the host has no lkvm"
	fi
}

# stage_add FILE[:PATH]
stage_add() {
	local _file=${1%%:*} _path=/usr/local/bin/${1##*/}
	case $1 in *:*) _path=${1#*:} ;; esac
	[ -f "$_file" ] || die "--add $_file: no such file"
	stage_binary "$_file" "$_path"
}

# stage_script FILE ARGS...: FILE is run under its own folder's name for messages' sake.
stage_script() {
	local _quoted= _arg
	cp "$1" "$work/script.sh"
	shift
	for _arg; do
		_quoted="$_quoted '$(printf %s "$_arg" | sed "s/'/'\\\\''/g")'"
	done
	echo ". \"\$LAB_RUN/script.sh\"$_quoted" >"$work/script"
	# "." takes no arguments in POSIX, so they are set before.
	[ -z "$_quoted" ] ||
		printf 'set --%s\n. "$LAB_RUN/script.sh"\n' "$_quoted" >"$work/script"
}

# stage_env CACHE RUN OUT HOW: the variables that a script finds, here or in the host.
stage_env() {
	cat <<-EOF
	export LAB_ARCH=$ARCH LAB_HOW=$4
	export LAB_CACHE=$1 LAB_RUN=$2 LAB_OUT=$3
	export LAB_KERNELS=$1/$GUESTS
	export LAB_TOOLS=$1/tools-$DEB_ARCH/bin
	export LAB_BACK_ENDS=$1/back-ends-$DEB_ARCH/bin
	export LAB_IMAGE=$GUEST_IMAGE LAB_QUICK_IMAGE=$QUICK_IMAGE
	export LAB_KERNEL=$1/$GUESTS/stock/$GUEST_IMAGE
	export LAB_INITRD=$1/$GUESTS/stock/initrd.cpio.gz
	export LAB_CONSOLE=$GUEST_CONSOLE
	export LAB_BUSYBOX=$1/$ARCH/busybox
	EOF
	# Exit statuses by name, from the one place that says them.
	sed -n 's/^[[:space:]]*\(EXIT_[A-Z_]*\) = \([0-9]*\),.*/export \1=\2/p' \
		"$LAB_ROOT/include/lkvm/config/exit-status.h" 2>/dev/null || :
	[ -z "$with_qemu" ] || echo "export LAB_QEMU=$1/qemu-$ARCH-$native_deb/bin/$QEMU_BINARY"
	echo "PATH=\$PATH:\$LAB_TOOLS"
}
