# SPDX-License-Identifier: GPL-2.0-or-later
# The bare-metal guests that look at interrupts, on a host that has GICv2.
# run: emulated
# host: variant=gicv2
# timeout: 180
bare_guests arm64/interrupts arm64/reset-state arm64/timers arm64/psci
