# SPDX-License-Identifier: GPL-2.0-or-later
# And those that run at EL2.
# timeout: 300
bare_guests 'el2-*'
