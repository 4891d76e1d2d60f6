# SPDX-License-Identifier: GPL-2.0-or-later
# The bare-metal guests of tests/guest that every architecture has.
# run: emulated
# timeout: 600
bare_guests common/'*'
