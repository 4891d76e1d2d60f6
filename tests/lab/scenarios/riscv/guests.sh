# SPDX-License-Identifier: GPL-2.0-or-later
# The bare-metal guests of tests/guest/riscv.
# run: emulated
# timeout: 300
bare_guests riscv/'*'
