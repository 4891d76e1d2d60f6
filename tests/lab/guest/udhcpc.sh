#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What udhcpc calls with what it learnt.
case $1 in
bound | renew)
	ip addr flush dev "$interface"
	ip addr add "$ip/${mask:-24}" dev "$interface"
	[ -z "${router:-}" ] || ip route add default via "${router%% *}"
	for server in ${dns:-}; do echo "nameserver $server"; done >/etc/resolv.conf
	echo "dhcp: $ip router ${router:-none} dns ${dns:-none}"
	;;
esac
