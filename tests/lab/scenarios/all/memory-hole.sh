# SPDX-License-Identifier: GPL-2.0-or-later
# More than 3 GiB of memory: both sides of the hole below 4 GiB are used.
# run: once
# host: mem=5G
# timeout: 240
expect_status $ST_OK lkvm_run -m 4096 -p "$(guest memory)"
expect_output "lab-guest: status 0"
# Firmware tables, the kernel and its page structures take some.
kb=$(sed -n 's/^memory: \([0-9]*\) kB.*/\1/p' "$OUT")
[ "$kb" -gt $((3800 * 1024)) ] || fail "only $kb kB of 4096 MiB"
case $LAB_ARCH in x86) expect_output "above 4G: 0000000100000000-" ;; esac
