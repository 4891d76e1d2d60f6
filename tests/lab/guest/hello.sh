# SPDX-License-Identifier: GPL-2.0-or-later
# Says that user space was reached, and what the guest sees of its machine.
uname -a
echo "cpus: $(grep -c ^processor /proc/cpuinfo)"
awk '/^MemTotal/ { print "memory: " $2 " kB" }' /proc/meminfo
