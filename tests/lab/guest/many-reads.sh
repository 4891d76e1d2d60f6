# SPDX-License-Identifier: GPL-2.0-or-later
# 2000 requests, one after the other, with silence before and behind them.
echo "reads: begin"
read -r _
dd if=/dev/vda of=/dev/null bs=4k count=2000 iflag=direct 2>/dev/null
echo "reads: end"
read -r _
