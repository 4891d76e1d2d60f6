# SPDX-License-Identifier: GPL-2.0-or-later
# Asks for a name, fetches something by it, then waits for one connection on port 80 and answers with
# the checksum of what came.
set -e
. /initlib.sh
ip link set eth0 up
udhcpc -i eth0 -n -q -t 10 -s /scripts/udhcpc.sh
nslookup files.example 10.0.2.3 || nslookup files.example
echo "fetched: $(wget -q -O - "http://files.example:$(lab_param lab.port)/data" | md5sum | cut -d ' ' -f 1)"
open=
for address in 10.0.2.2 10.0.2.3 10.0.2.77; do
	! timeout 3 wget -q -O - "http://$address:$(lab_param lab.port)/data" | grep -q . || open=$address
done
[ -n "$open" ] || echo "the host: closed"
echo "serving"
nc -l -p 80 -e sh -c 'head -c 1048576 | md5sum'
