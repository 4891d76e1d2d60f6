# SPDX-License-Identifier: GPL-2.0-or-later
# kvm-unit-tests' target kvmtool on riscv64, where the first lines of a program are an Image's header.
. "${0%/*}/../common/kut-lib.sh"

expect "cpus: 1
arguments: 
initrd:" --cpus 1
expect "cpus: 2
arguments: setup smp=2 mem=256
initrd:
$(cat env)" --cpus 2 --params "setup smp=2 mem=256" --mem 256 --initrd env
expect "cpus: 1
arguments: smp -c 3 'a b'
initrd:
$(cat env)" --cpus 1 --params "smp -c 3 'a b'" --initrd env
expect "cpus: 8
arguments: 
initrd:" --cpus 8
expect "cpus: 8
arguments: last
initrd:" --cpus 8 --params last --irqchip plic
exit 0
