# SPDX-License-Identifier: GPL-2.0-or-later
# Fetches a file from the host's port lab.port again and again until the link has been down, and once
# more when it is back.
set -e
. /initlib.sh
port=$(lab_param lab.port)
ip link set eth0 up
udhcpc -i eth0 -n -q -t 10 -s /scripts/udhcpc.sh
gate=$(ip route | awk '/^default/ { print $3 }')
echo "first: $(wget -q -O - "http://$gate:$port/data" | md5sum | cut -d ' ' -f 1)"
(while :; do timeout 20 wget -q -O /dev/null "http://$gate:$port/data" || sleep 0.1; done) 2>/dev/null &
# The kernel counts: the link is down for a second only.
downs=$(cat /sys/class/net/eth0/carrier_down_count)
echo "load: begins"
until [ "$(cat /sys/class/net/eth0/carrier_down_count)" -gt "$downs" ]; do sleep 0.1; done
echo "link: down"
until [ "$(cat /sys/class/net/eth0/carrier)" = 1 ]; do sleep 0.1; done
echo "link: up"
kill $!
echo "again: $(wget -q -O - "http://$gate:$port/data" | md5sum | cut -d ' ' -f 1)"
