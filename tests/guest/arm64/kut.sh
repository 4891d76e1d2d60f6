# SPDX-License-Identifier: GPL-2.0-or-later
# kvm-unit-tests' target kvmtool, as arm/run starts it.
. "${0%/*}/../common/kut-lib.sh"

expect "el: 1
cpus: 1
arguments: 
initrd:" --cpus 1
expect "el: 1
cpus: 2
arguments: setup smp=2 mem=256
initrd:
$(cat env)" --cpus 2 --params "setup smp=2 mem=256" --mem 256 --initrd env
expect "el: 1
cpus: 1
arguments: smp -c 3 'a b'
initrd:
$(cat env)" --cpus 1 --params "smp -c 3 'a b'" --irqchip=gicv3 --initrd env
expect "el: 1
cpus: 1
arguments: cycle-counter 0
initrd:" --cpus 1 --params "cycle-counter 0" --pmu
exit 0
