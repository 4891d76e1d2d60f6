# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the guest's systemd would look for: strings of the SMBIOS table, words of the kernel's command line.
if [ -e /sys/firmware/dmi/tables/DMI ]; then
	echo "vendor: $(cat /sys/class/dmi/id/sys_vendor)"
	# The first string follows a byte that says how many there are.
	tr '\000' '\n' </sys/firmware/dmi/tables/DMI | grep -o 'io\.systemd.*'
fi
tr ' ' '\n' </proc/cmdline | grep ^systemd
:
