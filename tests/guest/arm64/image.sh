# SPDX-License-Identifier: GPL-2.0-or-later
head -c 100000 /dev/zero >initrd
timeout -s KILL 60 "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 -i initrd </dev/null
