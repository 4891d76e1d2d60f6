# SPDX-License-Identifier: GPL-2.0-or-later
# A private apt: it reads other suites and other architectures than the machine
# does, from the machine's own mirrors, and installs nothing. Its package status
# is empty, so what it downloads for a package is complete by itself and does not
# depend on what happens to be installed here today. Sourced after common.sh.

# apt_base SUITE: the address the machine's own sources give for a suite. apt
# itself prints it, so both formats of sources, options and all, are understood.
apt_base() {
	apt-get update --print-uris 2>/dev/null |
		sed -n "s,^'\(.*\)/dists/$1/InRelease'.*,\1,p" | head -n 1
}

# apt_sources SUITES: lines for sources.list; "stable" is the machine's suite with
# its updates, security fixes and backports, anything else a suite by name.
apt_sources() {
	local _code _main _opt _key _s _sec
	_code=$(lab_codename)
	_main=$(apt_base "$_code")
	[ -n "$_main" ] || die "apt's sources have no suite '$_code': the lab needs Debian 12 or newer"
	_opt=
	_key=/usr/share/keyrings/debian-archive-keyring.gpg
	[ ! -r $_key ] || _opt="[signed-by=$_key] "
	case $1 in
	stable)
		for _s in "$_code" "$_code-updates" "$_code-backports"; do
			echo "deb $_opt$_main $_s main"
		done
		_sec=$(apt_base "$_code-security")
		[ -z "$_sec" ] || echo "deb $_opt$_sec $_code-security main"
		;;
	*)	echo "deb $_opt$_main $1 main" ;;
	esac
}

# What an index may be old: a run fetches one thing after the other, and others do at the same time.
APT_MINUTES=5

apt_is_fresh() {
	[ -n "$(find "$1/updated" -mmin "-$APT_MINUTES" 2>/dev/null)" ]
}

# apt_open SUITES DEBARCH: makes the configuration, reads the package indices unless that was done a moment ago,
# and sets APT_CONF for the functions below. Until the (sub)shell ends, nobody reads them anew under its hands:
# who only uses an index shares its lock, who changes it has it alone.
apt_open() {
	local _dir=$LAB_CACHE/apt/$1-$2
	APT_CONF=$_dir/apt.conf
	mkdir -p "$_dir"
	exec 8>>"$_dir/lock"
	flock -s 8
	! apt_is_fresh "$_dir" || return 0
	flock -u 8
	flock 8
	# Somebody may have done it meanwhile.
	apt_is_fresh "$_dir" || apt_read "$_dir" "$@"
	flock -s 8
}

# apt_read DIR SUITES DEBARCH
apt_read() {
	local _dir=$1
	shift
	mkdir -p "$_dir/lists/partial" "$_dir/cache/archives/partial" "$_dir/state"
	: >"$_dir/state/status"
	apt_sources "$1" >"$_dir/sources.list"
	cat >"$APT_CONF" <<-EOF
	#clear APT::Update::Post-Invoke;
	#clear APT::Update::Post-Invoke-Success;
	APT::Architecture "$2";
	#clear APT::Architectures;
	APT::Architectures { "$2"; };
	APT::Install-Recommends "false";
	APT::Sandbox::User "root";
	APT::Get::Assume-Yes "true";
	Acquire::Retries "5";
	Acquire::Languages "none";
	Dir::Cache "$_dir/cache";
	Dir::State "$_dir/state";
	Dir::State::status "$_dir/state/status";
	Dir::State::Lists "$_dir/lists";
	Dir::Etc::SourceList "$_dir/sources.list";
	Dir::Etc::SourceParts "-";
	Dir::Etc::Preferences "/dev/null";
	Dir::Etc::PreferencesParts "/dev/null";
	EOF
	say "reading the package index ($1, $2)"
	apt_retry apt-get -qq -c "$APT_CONF" update
	: >"$_dir/updated"
}

# Networks hiccup, and a mirror may be half-way through its update.
apt_retry() {
	local _try _out
	for _try in 1 2 3; do
		if _out=$("$@" 2>&1); then
			return 0
		fi
		say "try $_try of 3 failed: $*"
		sleep $((_try * 3))
	done
	die "$_out"
}

# apt_unpack PREFIX DEBS...: no maintainer scripts run and no root is needed. Not with
# dpkg -x, which puts a folder in place of a PREFIX's link from /lib to usr/lib.
apt_unpack() {
	local _prefix=$1 _deb
	shift
	for _deb; do
		dpkg-deb --fsys-tarfile "$_deb" |
			tar -x -f - -C "$_prefix" --keep-directory-symlink --no-same-owner
	done
}

# apt_download PREFIX PACKAGES...: just these packages, unpacked into PREFIX.
apt_download() {
	local _into=$1
	shift
	rm -rf "$_into.debs"
	mkdir -p "$_into.debs" "$_into"
	(cd "$_into.debs" && apt_retry apt-get -qq -c "$APT_CONF" download "$@") || exit
	apt_unpack "$_into" "$_into.debs"/*.deb
	rm -rf "$_into.debs"
}

# apt_closure PREFIX RELEASE PACKAGES...: the packages and all they depend on.
# RELEASE is preferred where it has a package; "-" leaves that to apt.
apt_closure() {
	local _into=$1 _rel=$2 _arc
	shift 2
	[ "$_rel" != - ] || _rel=
	# A folder of its own: another run may be fetching from the same suite.
	_arc=$_into.archives
	rm -rf "$_arc"
	mkdir -p "$_into" "$_arc/partial"
	apt_retry apt-get -qq -c "$APT_CONF" -o Dir::Cache::archives="$_arc" ${_rel:+-t "$_rel"} \
		--download-only install "$@"
	apt_unpack "$_into" "$_arc"/*.deb
	rm -rf "$_arc"
}

# write_wrapper DIR NAME PROGRAM [ARGUMENTS]: a script that runs DIR's PROGRAM with DIR's own
# loader and libraries. It finds DIR from its own place, so it works the same
# where the cache is mounted elsewhere, as in the emulated host.
write_wrapper() {
	local _lib _ld
	_ld=$(cd "$1/tree" && ls lib/*-linux-gnu/ld-linux*.so.* usr/lib/*-linux-gnu/ld-linux*.so.* 2>/dev/null | head -n 1)
	_lib=${_ld%/*}
	_lib=${_lib#usr/}
	# Builtins only: a benchmark times what it starts.
	cat >"$1/bin/$2.$$" <<-EOF
	#!/bin/sh
	d=\${0%/*}/../tree
	export QEMU_MODULE_DIR="\$d/usr/$_lib/qemu"
	exec "\$d/$_ld" --library-path "\$d/usr/$_lib:\$d/$_lib" --argv0 "$2" "\$d/$3" $4 "\$@"
	EOF
	chmod +x "$1/bin/$2.$$"
	mv "$1/bin/$2.$$" "$1/bin/$2"
}

# apt_kernel RELEASE METAPACKAGE: the packages a kernel metapackage stands for today,
# the versioned linux-image first. From 7.x on the kernel itself is in linux-binary-V,
# its modules in linux-modules-V and its .config in linux-base-V.
apt_kernel() {
	local _rel=$1 _image _v _p
	[ "$_rel" != - ] || _rel=
	_image=$(apt-cache -c "$APT_CONF" ${_rel:+-o APT::Default-Release="$_rel"} depends "$2" |
		sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	[ -n "$_image" ] || die "package $2 leads to no kernel"
	echo "$_image"
	_v=${_image#linux-image-}
	for _p in "linux-binary-$_v" "linux-modules-$_v" "linux-base-$_v"; do
		! apt-cache -c "$APT_CONF" show "$_p" >/dev/null 2>&1 || echo "$_p"
	done
}
