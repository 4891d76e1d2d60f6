# SPDX-License-Identifier: GPL-2.0-or-later
# Where a board keeps nothing over a reset, the guest counts its lives on the disk.
truncate -s 1M disk
timeout -s KILL 60 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 2 --reboot --disk disk </dev/null >output
status=$?
cat output
[ $status = 0 ] || { echo "FAIL status $status"; exit 1; }
printf 'life %s\n' 1 2 3 | cmp - output
