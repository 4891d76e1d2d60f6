# SPDX-License-Identifier: GPL-2.0-or-later
# One life of many: what earlier ones wrote is there, the network works; powers off in the last of lab.lives.
set -e
. /initlib.sh
mount -t ext4 /dev/vda /mnt
life=$(($(cat /mnt/life 2>/dev/null || echo 0) + 1))
echo "life: $life on $(grep -c ^processor /proc/cpuinfo) CPUs"
cd /mnt
[ $life = 1 ] || md5sum -c sums
ip link set eth0 up
udhcpc -i eth0 -n -q -t 10 -s /scripts/udhcpc.sh
gate=$(ip route | awk '/^default/ { print $3 }')
wget -q -O "got$life" "http://$gate:$(lab_param lab.port)/data"
echo "got: $(md5sum <"got$life" | cut -d ' ' -f 1)"
head -c 4194304 /dev/urandom >"made$life"
md5sum "got$life" "made$life" >>sums
echo "$life" >life
cd /
umount /mnt
echo "lab-guest: status 0"
[ $life -lt "$(lab_param lab.lives)" ] || poweroff -f
