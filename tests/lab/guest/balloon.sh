# SPDX-License-Identifier: GPL-2.0-or-later
# Uses memory, gives it up and tells how much it has, as the lines say that come in on the console.
stty -echo
echo ready
while read -r what; do
	case $what in
	fill) head -c 100663296 /dev/zero >/tmp/big ;;
	drop) rm /tmp/big ;;
	meminfo) sed -n 's/^\(MemTotal\|MemFree\|MemAvailable\): *\([0-9]*\) kB/\1 \2/p' /proc/meminfo ;;
	end) break ;;
	esac
	echo "done: $what"
done
