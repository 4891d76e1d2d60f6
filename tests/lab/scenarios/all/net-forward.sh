# SPDX-License-Identifier: GPL-2.0-or-later
# User-mode network: names through the host's name server (UDP), which is on 127.0.0.1, and a port of the
# host's that leads into the guest. What else is on 127.0.0.1 is closed to the guest.
# run: once
# timeout: 200
need_tool dns-answer
in_namespace "$LAB_RUN/tests/net-forward.sh"
ip link add dummy0 type dummy 2>/dev/null || :
ip addr add 192.168.77.1/24 dev lo
echo "nameserver 127.0.0.1" >"$T/resolv.conf"
# libslirp asks the server that the host's own file names.
mount --bind "$T/resolv.conf" /etc/resolv.conf 2>/dev/null || cp "$T/resolv.conf" /etc/resolv.conf
dns-answer 127.0.0.1 53 192.168.77.1 &
PORT=$((20000 + $$ % 20000))
mkdir www
data_file www/data 4
httpd -f -p "192.168.77.1:$PORT" -h www &
httpd -f -p "127.0.0.1:$PORT" -h www &
start lkvm_run -n "mode=user,hostfwd=tcp::$((PORT + 1))-:80" \
	-p "$(guest net-serve virtio_net,af_packet "lab.port=$PORT")"
wait_output "^serving" 100
head -c 1048576 www/data >sent
# The guest's nc may not listen yet when it says so.
n=0
until nc -w 20 127.0.0.1 $((PORT + 1)) <sent >answer && [ -s answer ]; do
	[ $n -lt 5 ] || fail "no answer through the forwarded port"
	n=$((n + 1))
	sleep 1
done
expect_end $ST_OK 20
cp "$T/console" "$OUT"
expect_output "192.168.77.1"
expect_output "^the host: closed"
expect_output "asked for port $PORT of the host itself .*loopback=on opens"
expect_same "by name" "$(sum www/data)" "$(sed -n 's/^fetched: \([0-9a-f]*\).*/\1/p' "$OUT")"
expect_same "through the forwarded port" "$(sum sent)" "$(cut -d ' ' -f 1 answer)"
