# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the kernel panic: with panic=-1 it resets the machine at once.
echo 1 >/proc/sys/kernel/sysrq
echo c >/proc/sysrq-trigger
sleep 60
