# SPDX-License-Identifier: GPL-2.0-or-later
# Makes initramfs archives: the emulated host's and the busybox guests'. Sourced
# after common.sh and modules.sh.

# pack_dir DIR OUT: owner 0:0 whoever packs, so that an ordinary user's archive works.
pack_dir() {
	(cd "$1" && find . | LC_ALL=C sort | tool cpio -o -H newc -R 0:0 --quiet) >"$2.$$"
	mv "$2.$$" "$2"
}

# busybox_root DIR: folders, busybox and a link for each of its programs.
busybox_root() {
	local _a
	mkdir -p "$1/bin" "$1/sbin" "$1/usr/bin" "$1/usr/sbin" "$1/proc" "$1/sys" \
		"$1/dev" "$1/etc" "$1/root" "$1/lib" "$1/lib64" "$1/usr/lib"
	cp "$ARCH_CACHE/busybox" "$1/bin/busybox"
	# The list is asked of a busybox that runs here; a foreign one links itself at boot.
	for _a in $(lab_applets); do
		[ "$_a" = busybox ] || ln -s busybox "$1/bin/$_a"
	done
	cp "$LAB_DIR/initlib.sh" "$1/initlib.sh"
	echo root:x:0:0:root:/root:/bin/sh >"$1/etc/passwd"
	echo root:x:0: >"$1/etc/group"
}

lab_applets() {
	[ -s "$ARCH_CACHE/applets" ] || {
		"$ARCH_CACHE/busybox" --list >"$ARCH_CACHE/applets.$$" 2>/dev/null ||
			busybox --list >"$ARCH_CACHE/applets.$$"
		mv "$ARCH_CACHE/applets.$$" "$ARCH_CACHE/applets"
	}
	cat "$ARCH_CACHE/applets"
}

# stale OUT SOURCES...: whether OUT has to be made (again).
stale() {
	local _out=$1 _src
	shift
	[ -e "$_out" ] || return 0
	for _src; do
		[ ! "$_src" -nt "$_out" ] || return 0
	done
	return 1
}

# host_initrd LABEL MODULES: prints the path of the archive, made when it has to be.
host_initrd() {
	local _k=$ARCH_CACHE/kernels/$1 _out _work
	_out=$_k/host-$(echo "$2" | cksum | cut -d ' ' -f 1).cpio
	if stale "$_out" "$LAB_DIR/host-init" "$LAB_DIR/initlib.sh" "$LAB_DIR/initrd.sh" \
		"$ARCH_CACHE/busybox" "$_k/release"; then
		_work=$(mktemp -d)
		busybox_root "$_work"
		cp "$LAB_DIR/host-init" "$_work/init"
		mod_install "$_k" "$_work/modules" $2
		pack_dir "$_work" "$_out"
		rm -rf "$_work"
	fi
	echo "$_out"
}

# guest_initrd_make LABEL: kernels/LABEL/initrd.cpio, with the scripts in guest/.
guest_initrd_make() {
	local _k=$ARCH_CACHE/kernels/$1 _work
	stale "$_k/initrd.cpio" "$LAB_DIR"/guest/* "$LAB_DIR/initlib.sh" "$LAB_DIR/initrd.sh" \
		"$ARCH_CACHE/busybox" "$_k/release" "$LAB_DIR/arch/$ARCH.sh" || return 0
	_work=$(mktemp -d)
	busybox_root "$_work"
	cp "$LAB_DIR/guest/init" "$_work/init"
	mkdir "$_work/scripts"
	cp "$LAB_DIR"/guest/*.sh "$_work/scripts/"
	mod_install "$_k" "$_work/modules" $GUEST_MODULES
	pack_dir "$_work" "$_k/initrd.cpio"
	gzip -9nc "$_k/initrd.cpio" >"$_k/initrd.cpio.gz.$$"
	mv "$_k/initrd.cpio.gz.$$" "$_k/initrd.cpio.gz"
	rm -rf "$_work"
}
