# SPDX-License-Identifier: GPL-2.0-or-later
# The bare-metal guests of tests/guest/arm64 that run at EL2.
# run: emulated
# timeout: 600
bare_guests arm64/'el2-*'
