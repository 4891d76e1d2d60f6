# SPDX-License-Identifier: GPL-2.0-or-later
# What memory there is, where, and whether a few hundred MiB of it keep what is written.
awk '/^MemTotal/ { print "memory: " $2 " kB" }' /proc/meminfo
sed -n 's/^ *\([0-9a-f]\{9,\}-.* : System RAM\)/above 4G: \1/p' /proc/iomem | sed 's/above 4G: 0*\([0-9a-f]*-\)/above 4G: 0000000\1/'
mkdir /tmp/big
mount -t tmpfs -o size=300m big /tmp/big
head -c 1048576 /dev/urandom >/tmp/one
i=0
while [ $i -lt 128 ]; do cat /tmp/one; i=$((i + 1)); done >/tmp/big/a
cp /tmp/big/a /tmp/big/b
cmp /tmp/big/a /tmp/big/b
