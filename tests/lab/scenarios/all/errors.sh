# SPDX-License-Identifier: GPL-2.0-or-later
# What cannot be started is one clear line and a status, nothing half-started.
kernel stock "$LAB_IMAGE"
clear_error() {
	local want=$1 pattern=$2
	shift 2
	expect_status "$want" timeout 30 lkvm "$@"
	expect_output "$pattern"
	[ "$(grep -c . "$OUT")" -le 3 ] || fail "more than a line or two: lkvm $*"
}
I=$LAB_INITRD K=$LAB_KERNEL
clear_error $ST_START "Fatal: Unable to open kernel" run --nodefaults -k /nonexistent
mkdir dir
clear_error $ST_START "directory" run --nodefaults -k dir
# Half an Image looks like a whole one, half a compressed one does not.
case $LAB_IMAGE in Image) whole=$K.gz ;; *) whole=$K ;; esac
head -c 3000000 "$whole" >short
clear_error $ST_START "short|truncated" run --nodefaults -k short
truncate -s 300M big
clear_error $ST_START "initrd|big" run --nodefaults -k "$K" -i big -m 256
clear_error $ST_USAGE "cpu|-c" run --nodefaults -k "$K" -c 0
clear_error $ST_USAGE "cpus" run --nodefaults -k "$K" -c 100000
clear_error $ST_START "mem" run --nodefaults -k "$K" -m 1048576G
clear_error $ST_USAGE "nodefaults" run --nodefault5 -k "$K"
clear_error $ST_START "missing.img" run --nodefaults -k "$K" -d missing.img
