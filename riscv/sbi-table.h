/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every SBI extension that KVM can switch, once: options and KVM's numbers come from here. */
#ifndef RISCV_SBI_TABLE_H
#define RISCV_SBI_TABLE_H

/*
 * ROW(number in KVM's SBI_EXT registers, name, sbi.c serves it, what it is). Up to Linux 7.3. What we serve is off
 * until we switch it on; the rest we leave as KVM has it unless it is disabled.
 */
/* clang-format off */
#define RISCV_SBI_TABLE(ROW) \
	ROW(0, v01, false, "the calls of version 0.1") \
	ROW(1, time, false, "the timer") \
	ROW(2, ipi, false, "interrupts between CPUs") \
	ROW(3, rfence, false, "remote fences") \
	ROW(4, srst, false, "reset and shutdown") \
	ROW(5, hsm, false, "starting and stopping of CPUs") \
	ROW(6, pmu, false, "performance monitors") \
	ROW(7, experimental, false, "experimental calls") \
	ROW(8, vendor, false, "the vendor's calls") \
	ROW(9, dbcn, true, "the debug console") \
	ROW(10, sta, false, "steal time") \
	ROW(11, susp, true, "suspension to RAM") \
	ROW(12, fwft, false, "firmware features") \
	ROW(13, mpxy, false, "message proxy")
/* clang-format on */

#endif
