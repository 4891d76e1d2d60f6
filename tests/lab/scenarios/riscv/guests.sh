# SPDX-License-Identifier: GPL-2.0-or-later
# The bare-metal guests of tests/guest: riscv's own, and those of all architectures' that are made for it.
# timeout: 500
bare_guests riscv/'*' common/'[!rv]*' common/reboot-storm common/virtqueue
