# SPDX-License-Identifier: GPL-2.0-or-later
# Makes initramfs archives: the emulated host's and the busybox guests'. Sourced
# after common.sh and modules.sh.

# pack_dir DIR OUT: owner 0:0 whoever packs, so that an ordinary user's archive works.
pack_dir() {
	(cd "$1" && find . | LC_ALL=C sort | tool cpio -o -H newc -R 0:0 --quiet) >"$2.$$"
	mv "$2.$$" "$2"
}

# busybox_root DIR [BUSYBOX]: folders, busybox and a link for each of its programs.
busybox_root() {
	local _a
	mkdir -p "$1/bin" "$1/sbin" "$1/usr/bin" "$1/usr/sbin" "$1/proc" "$1/sys" \
		"$1/dev" "$1/etc" "$1/root" "$1/lib" "$1/lib64" "$1/usr/lib"
	cp "${2:-$ARCH_CACHE/busybox}" "$1/bin/busybox"
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

# hash_of WORDS -- FILES...: names what is made of them. Several checkouts may share a
# cache, each with its own idea of these files, so times of change say nothing.
hash_of() {
	local _words=
	while [ "$1" != -- ]; do
		_words="$_words $1"
		shift
	done
	shift
	{ echo "$_words"; cat "$@"; } | md5sum | cut -c 1-12
}

# prune DIR: forgets what no run has used for a week.
prune() {
	find "$1" -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -rf {} +
}

# host_initrd LABEL MODULES: prints the path of the archive, made when it is not there.
host_initrd() {
	local _k=$ARCH_CACHE/kernels/$1 _out _work
	mkdir -p "$ARCH_CACHE/hosts"
	_out=$ARCH_CACHE/hosts/$1-$(hash_of $2 -- "$_k/release" "$_k/made-from" "$LAB_DIR/host-init" \
		"$LAB_DIR/initlib.sh" "$LAB_DIR/initrd.sh" "$LAB_DIR/modules.sh").cpio
	if [ ! -e "$_out" ]; then
		_work=$(mktemp -d)
		busybox_root "$_work"
		cp "$LAB_DIR/host-init" "$_work/init"
		mod_install "$_k" "$_work/modules" $2
		pack_dir "$_work" "$_out"
		rm -rf "$_work"
		prune "$ARCH_CACHE/hosts"
	fi
	touch "$_out"
	echo "$_out"
}

guest_labels() {
	local _l
	for _l in $KERNEL_LABELS $OTHER_KERNEL_LABELS small; do
		[ ! -d "$ARCH_CACHE/kernels/$_l" ] || echo "$_l"
	done
}

# guest_images: makes the folder that scripts know as $LAB_KERNELS, with all the forms of each
# kernel and its busybox initrd, and sets GUESTS to its name in the cache.
guest_images() {
	local _l _releases=
	for _l in $(guest_labels); do
		_releases="$_releases $ARCH_CACHE/kernels/$_l/release"
	done
	GUESTS=$ARCH/guests/$(hash_of -- $_releases "$LAB_DIR"/guest/* "$LAB_DIR/initlib.sh" \
		"$LAB_DIR/initrd.sh" "$LAB_DIR/modules.sh" "$LAB_DIR/arch/$ARCH.sh")
	with_lock initrd guest_images_make "$LAB_CACHE/$GUESTS"
	touch "$LAB_CACHE/$GUESTS"
}

guest_images_make() {
	local _l
	[ ! -d "$1" ] || return 0
	say "making the guests' initrds"
	fresh_dir "$1"
	for _l in $(guest_labels); do
		guest_image "$_l" "$1.tmp/$_l"
	done
	commit_dir "$1"
	prune "${1%/*}"
}

guest_image() {
	local _k=$ARCH_CACHE/kernels/$1 _f _work
	mkdir "$2"
	for _f in release $KERNEL_FORMS initrd.debian; do
		ln -s "../../../kernels/$1/$_f" "$2/$_f"
	done
	_work=$(mktemp -d)
	_f=$_k/busybox
	[ -x "$_f" ] || _f=
	busybox_root "$_work" $_f
	cp "$LAB_DIR/guest/init" "$_work/init"
	mkdir "$_work/scripts"
	cp "$LAB_DIR"/guest/*.sh "$_work/scripts/"
	mod_install "$_k" "$_work/modules" $GUEST_MODULES
	pack_dir "$_work" "$2/initrd.cpio"
	gzip -9nc "$2/initrd.cpio" >"$2/initrd.cpio.gz"
	rm -rf "$_work"
}
