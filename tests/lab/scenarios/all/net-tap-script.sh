# SPDX-License-Identifier: GPL-2.0-or-later
# lkvm makes the tap itself; a script of the user's sets it up and another one takes it down.
# run: once
# needs: tun
# timeout: 200
in_namespace "$LAB_RUN/tests/net-tap-script.sh"
[ -c /dev/net/tun ] || skip "no /dev/net/tun"
cat >up <<EOF
#!/bin/sh
echo "up \$1" >>$T/calls
ip addr add 192.168.44.1/24 dev "\$1"
ip link set "\$1" up
EOF
cat >down <<EOF
#!/bin/sh
echo "down \$1" >>$T/calls
EOF
chmod +x up down
PORT=$((20000 + $$ % 20000))
mkdir www
data_file www/data 4
httpd -f -p "0.0.0.0:$PORT" -h www &
mkfifo open
exec 5<>open
nc -l -p $((PORT + 1)) <open >back &
expect_status $ST_OK lkvm_run -m 512 -n "mode=tap,tapif=vm7,script=$T/up,downscript=$T/down" \
	-p "$(guest net virtio_net,af_packet "lab.net=192.168.44.2/24,192.168.44.1 lab.port=$PORT")"
expect_output "lab-guest: status 0"
expect_same "what was fetched" "$(sum www/data)" "$(sed -n 's/^got: \([0-9a-f]*\).*/\1/p' "$OUT")"
expect_same "the scripts' calls" "up vm7 down vm7" "$(echo $(cat calls))"
# A script that fails stops everything before the guest starts.
printf '#!/bin/sh\nexit 3\n' >up
expect_status $ST_START lkvm_run -n "mode=tap,tapif=vm7,script=$T/up" -p "$(guest hello)"
expect_output "(Fatal|Error): .*status 3"
expect_no_output "Linux"
