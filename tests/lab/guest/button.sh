# SPDX-License-Identifier: GPL-2.0-or-later
# Waits until somebody presses the power button, and tells which key came.
echo "button: $(cat /sys/class/input/event0/device/name)"
exec 3</dev/input/event0
echo "button: listening"
# A time of 16 bytes, then type, code and value.
dd bs=24 count=1 <&3 2>/dev/null | od -An -v -t u2 | tr -s ' \n' ' ' | cut -d ' ' -f 10-12 | sed 's/^/button: event /'
