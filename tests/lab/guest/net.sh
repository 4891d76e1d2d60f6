# SPDX-License-Identifier: GPL-2.0-or-later
# Fetches a file from the host's port lab.port and sends lab.mib MiB (64) to the one after it.
# lab.net is ADDRESS/BITS,GATEWAY, or dhcp.
set -e
. /initlib.sh
net=$(lab_param lab.net)
port=$(lab_param lab.port)
mib=$(lab_param lab.mib)
ip link set eth0 up
if [ "$net" = dhcp ]; then
	udhcpc -i eth0 -n -q -t 10 -s /scripts/udhcpc.sh
	gate=$(ip route | awk '/^default/ { print $3 }')
else
	ip addr add "${net%,*}" dev eth0
	gate=${net#*,}
fi
[ -n "$gate" ]
echo "features: $(cat /sys/class/net/eth0/device/features)"
echo "on: $(readlink -f /sys/class/net/eth0)"
echo "got: $(wget -q -O - "http://$gate:$port/data" | md5sum | cut -d ' ' -f 1)"
head -c 4194304 /dev/urandom >/tmp/pool
i=0
while [ $i -lt $((${mib:-64} / 4)) ]; do
	printf '%08d' $i
	tail -c +9 /tmp/pool
	i=$((i + 1))
done >/tmp/data
echo "sent: $(md5sum </tmp/data | cut -d ' ' -f 1)"
nc "$gate" $((port + 1)) </tmp/data
