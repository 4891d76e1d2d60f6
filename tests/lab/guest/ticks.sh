# SPDX-License-Identifier: GPL-2.0-or-later
# Says that it lives, ten times a second, until somebody ends it.
n=0
while :; do
	n=$((n + 1))
	echo "tick: $n"
	usleep 100000
done
