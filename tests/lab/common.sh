# SPDX-License-Identifier: GPL-2.0-or-later
# What every lab script needs: where things are, how to speak, how to write a
# file so that nobody ever sees half of it. Sourced, never run; the script that
# sources it has set LAB_DIR to the folder this file lies in.

LAB_ROOT=$(cd "$LAB_DIR/../.." && pwd)
LAB_CACHE=${LKVM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lkvm}

# One line a step, on stderr: stdout belongs to the script that runs in the host.
say() {
	[ -n "${LAB_QUIET:-}" ] || echo "lab: $*" >&2
}

# Exit status 125 is the lab's own failure everywhere, as with env(1) and docker.
die() {
	echo "lab: error: $*" >&2
	exit 125
}

# lab_arch ARCH: reads the table row of an architecture.
lab_arch() {
	[ -r "$LAB_DIR/arch/$1.sh" ] ||
		die "unknown architecture '$1', known: $(cd "$LAB_DIR/arch" && ls | sed 's/\.sh$//' | tr '\n' ' ')"
	. "$LAB_DIR/arch/$1.sh"
	ARCH=$1
	ARCH_CACHE=$LAB_CACHE/$ARCH
	# Where a cross build for it took its libraries from, as in the Makefile.
	SYSROOT=${SYSROOT-$LAB_CACHE/sysroot-$ARCH}
}

# The Debian architecture of this machine: the tools are fetched for it.
lab_native_deb() {
	dpkg --print-architecture
}

# The suite this machine runs, e.g. bookworm.
lab_codename() {
	(. /etc/os-release && echo "${VERSION_CODENAME:-}")
}

# with_lock NAME COMMAND...: two lab scripts never make the same part of the
# cache at once. The lock goes with the process, so a killed one leaves none.
with_lock() {
	(
		_name=$1
		shift
		mkdir -p "$LAB_CACHE"
		exec 9>>"$LAB_CACHE/.lock-$_name"
		flock -n 9 || { say "waiting for another run: $_name"; flock 9; }
		"$@"
	)
}

# fetching THING COMMAND...: a lock for each thing that is fetched, so that who needs another one does not wait.
# Inside, apt_open() takes that of a package index; nothing takes a thing's lock while it has an index.
fetching() {
	(
		mkdir -p "$LAB_CACHE"
		# A checkout from before has one lock for everything, and takes it alone.
		exec 7>>"$LAB_CACHE/.lock-fetch"
		flock -s -n 7 || { say "waiting for another fetch"; flock -s 7; }
		_thing=fetch-$1
		shift
		with_lock "$_thing" "$@"
	)
}

# fresh_dir PATH: an empty PATH.tmp to fill; commit_dir PATH puts it in place.
# rename(2) of a folder is atomic, so a folder that is there is complete.
fresh_dir() {
	rm -rf "$1.tmp"
	mkdir -p "$1.tmp"
}

commit_dir() {
	rm -rf "$1.old"
	[ ! -e "$1" ] || mv "$1" "$1.old"
	mv "$1.tmp" "$1"
	rm -rf "$1.old"
}

# have DIR WORDS...: whether it is there, made from the same words (packages, suites). A table that
# changed must not leave a cache of yesterday's kernel behind; with $refresh it is asked anew in any case.
have() {
	local _dir=$1
	shift
	[ -d "$_dir" ] && [ -z "$refresh" ] && [ "$(cat "$_dir/made-from" 2>/dev/null)" = "$*" ]
}

# tool NAME ARGS...: the machine's program if it has one, else the cache's.
tool() {
	_t=$1
	shift
	if command -v "$_t" >/dev/null 2>&1; then
		"$_t" "$@"
	else
		"$LAB_CACHE/tools-$(lab_native_deb)/bin/$_t" "$@"
	fi
}
