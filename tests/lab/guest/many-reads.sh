# SPDX-License-Identifier: GPL-2.0-or-later
# 2000 requests, one after the other, with silence before and behind them.
echo "reads: begin"
sleep 3
dd if=/dev/vda of=/dev/null bs=4k count=2000 iflag=direct 2>/dev/null
sleep 1
echo "reads: end"
sleep 2
