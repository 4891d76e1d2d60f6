# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the guest's systemd would look for: strings of the SMBIOS table, words of the kernel's command line.
if [ -e /sys/firmware/dmi/tables/DMI ]; then
	echo "vendor: $(cat /sys/class/dmi/id/sys_vendor)"
	tr '\000' '\n' </sys/firmware/dmi/tables/DMI | grep ^io.systemd
fi
tr ' ' '\n' </proc/cmdline | grep ^systemd
:
