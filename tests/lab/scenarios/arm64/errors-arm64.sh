# SPDX-License-Identifier: GPL-2.0-or-later
# What does not go together, or not on this host, is one clear line before anything starts.

# refused STATUS PATTERN OPTIONS...
refused() {
	local status=$1 pattern=$2
	shift 2
	expect_status "$status" lkvm run --nodefaults -k "$LAB_KERNEL" -m 256 "$@"
	expect_output "$pattern"
	[ "$(grep -c '^  \(Fatal\|Error\): ' "$OUT")" = 1 ] || fail "not one line"
}

refused $ST_USAGE '--nested --irqchip gicv2: a guest at EL2 needs a GICv3' --nested --irqchip gicv2
refused $ST_USAGE '--nested --irqchip gicv2m: a guest at EL2 needs' --nested --irqchip gicv2m
refused $ST_USAGE 'gicv3-its' --irqchip gicv4
refused $ST_USAGE '0x80000000 is the lowest' -m 256@0x40000000
refused $ST_START 'addresses of [0-9]+ bits' -m 256@0x10000000000000
refused $ST_USAGE 'not a whole number' --counter-offset -5
refused $ST_USAGE 'more than 64 bits' --counter-offset 0x10000000000000000
refused $ST_START 'this host.s KVM does not offer it; it has gicv3' --irqchip gicv2
refused $ST_USAGE '--nested and --aarch32 do not go together' --nested --aarch32
refused $ST_START 'is an arm64 Image; a 32-bit guest needs a zImage' --aarch32
refused $ST_USAGE '--psci and --protected do not go together' --psci --protected
refused $ST_START '--protected: this host.s KVM cannot protect guests' --protected
# Not needed, not harmful: said, and the guest runs.
expect_status $ST_OK lkvm_run --e2h0 -p "$(guest hello)"
expect_output 'Warning: --e2h0 means nothing without --nested'
expect_output 'lab-guest: status 0'
