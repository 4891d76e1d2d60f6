# SPDX-License-Identifier: GPL-2.0-or-later
# lkvm stat --host tells what this host has, which is known here from elsewhere.
# needs: tun vhost_net vhost_vsock
# fact KEY VALUE: a line of its own in the JSON.
fact() {
	grep -qE "^ +\"$1\": $2,?\$" json || fail "$1 is not $2 but $(grep "\"$1\":" json)"
}
expect_status $ST_OK lkvm stat --host
expect_output "^  API version: +12\$"
expect_output "^  kernel: +$(uname -r | sed 's/[+.]/[&]/g')\$"
[ "$(wc -l <"$OUT")" -le 55 ] || fail "$(wc -l <"$OUT") lines"
lkvm stat --host --json >json 2>errors || fail "status $?"
cat json errors
[ ! -s errors ] || fail "it said something"
fact machine "\"$(uname -m)\""
fact cpus "$(grep -c '^processor' /proc/cpuinfo)"
fact ram "$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) * 1024))"
fact api_version 12
fact kvm true
fact irqfd true
fact ioeventfd true
for each in tun:/dev/net/tun vhost_net:/dev/vhost-net vhost_vsock:/dev/vhost-vsock; do
	if [ -c "${each#*:}" ] && (: <>"${each#*:}") 2>/dev/null; then
		fact "${each%%:*}" true
	else
		fact "${each%%:*}" false
	fi
done
# Memory and CPUs that a guest gets are within what was told.
max=$(sed -n 's/.*"vcpus_max": \([0-9]*\).*/\1/p' json)
[ "$max" -ge 4 ] || fail "$max vCPUs"
if [ "$max" -lt 250 ]; then
	expect_status $ST_START timeout 30 lkvm run --nodefaults -k "$LAB_KERNEL" -c $((max + 1))
	expect_output "at most $max vCPUs"
fi
