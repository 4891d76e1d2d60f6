# SPDX-License-Identifier: GPL-2.0-or-later
# Kernel modules for an initramfs. Debian's packages come without modules.dep, and
# a user's machine may have no depmod, so the dependencies are read from the modules
# themselves. They are unpacked, as busybox's insmod takes no .ko.xz. Sourced.

# mod_index KERNELDIR: "name path" a line, names with underscores as the kernel has them.
mod_index() {
	[ -s "$1/modules.index" ] || {
		(cd "$1/tree" && find lib/modules/ usr/lib/modules/ -name '*.ko*' -type f 2>/dev/null) |
			sed 's,^\(.*/\)\([^/]*\)\.ko\(.*\)$,\2 \1\2.ko\3,' |
			awk '{ gsub("-", "_", $1); if (!seen[$1]++) print }' >"$1/modules.index.$$"
		mv "$1/modules.index.$$" "$1/modules.index"
	}
}

# mod_file KERNELDIR NAME: the path of the unpacked module, or nothing when the
# kernel has none of that name (built in, or too old for it).
mod_file() {
	local _ko=$1/ko/$2.ko _src
	if [ ! -f "$_ko" ]; then
		_src=$(awk -v n="$2" '$1 == n { print $2; exit }' "$1/modules.index")
		[ -n "$_src" ] || return 0
		mkdir -p "$1/ko"
		case $_src in
		*.xz) tool xz -dc "$1/tree/$_src" ;;
		*.zst) tool zstd -dcq "$1/tree/$_src" ;;
		*.gz) gzip -dc "$1/tree/$_src" ;;
		*) cat "$1/tree/$_src" ;;
		esac >"$_ko.$$"
		mv "$_ko.$$" "$_ko"
	fi
	echo "$_ko"
}

# mod_needs FILE: names this module asks for, hard dependencies and soft ones.
mod_needs() {
	tr '\0' '\n' <"$1" | LC_ALL=C sed -n '
		s/^depends=//p
		s/^softdep=pre: //p' | tr ',-' ' _'
}

# mod_closure KERNELDIR NAMES...: in loading order, dependencies first.
mod_closure() {
	local _k=$1 _m _f
	shift
	mod_index "$_k"
	for _m; do
		_m=$(echo "$_m" | tr - _)
		case " $_closure " in *" $_m "*) continue ;; esac
		_closure="$_closure $_m"
		_f=$(mod_file "$_k" "$_m")
		[ -n "$_f" ] || continue
		mod_closure_needs "$_k" "$_m" "$_f"
		_order="$_order $_m"
	done
}

# The variables of a recursive shell function need a frame of their own.
mod_closure_needs() {
	local _k=$1 _m=$2 _needs
	_needs=$(cat "$_k/ko/$_m.needs" 2>/dev/null) || {
		_needs=$(mod_needs "$3" | tr '\n' ' ')
		echo "$_needs" >"$_k/ko/$_m.needs"
	}
	[ -z "$_needs" ] || mod_closure "$_k" $_needs
}

# mod_install KERNELDIR DEST NAMES...: fills DEST with the modules and, for each name
# asked for, NAME.list: what to load for it, in order. DEST/order has them all.
mod_install() {
	local _k=$1 _dest=$2 _n _m
	shift 2
	mkdir -p "$_dest"
	for _n; do
		_closure= _order=
		mod_closure "$_k" "$_n"
		for _m in $_order; do
			[ -e "$_dest/$_m.ko" ] || {
				cp "$_k/ko/$_m.ko" "$_dest/$_m.ko"
				echo "$_m" >>"$_dest/order"
			}
		done
		echo "$_order" >"$_dest/$(echo "$_n" | tr - _).list"
	done
}
