# SPDX-License-Identifier: GPL-2.0-or-later
# Guests with private memory, under KVM's software-protected type: bare-metal ones that convert pages.
# host: kernel=sw-protected
# timeout: 600
bare_guests x86/'private-*' x86/leak x86/accept
