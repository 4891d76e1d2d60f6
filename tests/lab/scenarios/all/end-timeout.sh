# SPDX-License-Identifier: GPL-2.0-or-later
# --timeout ends a guest that does not, in time, with a status of its own.
begin=$(cut -d . -f 1 /proc/uptime)
LAB_LIMIT=15
expect_status $ST_TIMEOUT lkvm_run -p "$(guest hello "" lab.end=hang)"
took=$(($(cut -d . -f 1 /proc/uptime) - begin))
[ $took -ge 14 ] && [ $took -le 60 ] || fail "took $took s, not 15"
