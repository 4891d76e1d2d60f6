# SPDX-License-Identifier: GPL-2.0-or-later
# Guests whose memory the host does not see (pKVM). Debian's kernels cannot share any: a device's driver is the end.
# host: variant=protected
# timeout: 400
kernel sid
expect_status $ST_OK lkvm_run -p "$(guest hello)"
expect_status $ST_OK lkvm_run --protected --irqchip gicv3 -c 2 -p "$(guest hello)"
expect_output "^Linux .* $LAB_RELEASE "
expect_output "^cpus: 2"
expect_output "lab-guest: status 0"
expect_status $ST_OK lkvm_run --protected --irqchip gicv3 --reboot -p "$(guest hello "" lab.end=reboot)"
expect_output "asked for a restart; a protected guest ends instead"
[ "$(grep -c "^cpus: 1" "$OUT")" = 1 ] || fail "it did restart"
expect_status $ST_KVM lkvm_run --protected --irqchip gicv3 --virtio-transport mmio --rng -p "$(guest rng virtio_rng)"
expect_output "Error: Guest .* had a device use memory that it does not share, at 0x[89]"
