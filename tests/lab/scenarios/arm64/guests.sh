# SPDX-License-Identifier: GPL-2.0-or-later
# The bare-metal guests of tests/guest/arm64 that run at EL1.
# run: emulated
# timeout: 300
bare_guests arm64/'[!e]*' arm64/'e[!l]*'
