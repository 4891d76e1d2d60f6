# SPDX-License-Identifier: GPL-2.0-or-later
# The bare-metal guests of tests/guest/x86 that any host runs; those with private memory have scenarios of their own.
# run: emulated
# timeout: 240
bare_guests x86/'[cfimrt]*' x86/ports
