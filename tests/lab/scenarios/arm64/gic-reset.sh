# SPDX-License-Identifier: GPL-2.0-or-later
# An interrupt that is pending when the guest reboots is not in its next life.
kernel stock
pending_is_reset
