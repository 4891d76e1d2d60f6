# SPDX-License-Identifier: GPL-2.0-or-later
# In an emulated host with software-protected guests: what pre-faulting saves when 4 MiB are made private.
cd "${LAB_TMP:-/tmp}" || exit
LKVM=lkvm GUEST=/bench/accept.elf exec sh /bench/accept.sh
