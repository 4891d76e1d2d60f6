# SPDX-License-Identifier: GPL-2.0-or-later
# The bare-metal guests of tests/guest that run at EL1.
# timeout: 300
bare_guests '[!e]*' 'e[!l]*'
