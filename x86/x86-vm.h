/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of x86/ share about one guest. Main thread unless said otherwise. */
#ifndef X86_VM_H
#define X86_VM_H

#include <linux/kvm.h>
#include "lkvm/boot/file.h"
#include "lkvm/config/config.h"
#include "lkvm/pci/pci.h"
#include "lkvm/vm/irq.h"
#include "lkvm/vm/vm.h"
#include "board.h"
#include "firmware.h"
#include "kernel.h"

struct acpi_pm;
struct platform;
struct confidential_ops;
struct snp;
struct x86_vm_state;

struct arch_vm {
	unsigned phys_bits; /* of a physical address, as the guest's CPUs tell */
	unsigned gpa_bits;  /* of those that can be given to memory and devices: maybe fewer */
	struct kvm_cpuid2 *cpuid; /* what KVM supports; each vCPU gets a copy made its own */
	u64 microcode;		  /* 0: unknown */
	u64 mce_cap;
	const struct confidential_ops *confidential; /* the configuration's kind of guest */
	struct snp *snp;			     /* confidential/snp.c's */
	struct x86_firmware firmware;
	struct x86_kernel kernel; /* not open in a guest that begins with a firmware */
	struct boot_file initrds[CONFIG_MAX_INITRDS];
	struct pci_board pci;
	struct acpi_pm *pm; /* the device list's */
	/* What a guest's boot needs, and where vCPU 0 begins. */
	struct x86_boot boot;
	char cmdline[BOARD_BOOT_CMDLINE_MAX]; /* a stack may be as small as that */
	struct x86_entry entry;
	/* NULL unless the guest may reboot: what a reset puts back into the irqchip. */
	struct x86_vm_state *reset_state;
	bool used; /* arch_reset was here before: vCPUs are not as KVM made them */
};

/* x86/setup.c: logs that a system call failed, and in which way, which it returns: -errno. */
int x86_failed(const char *what);

/*
 * x86/setup.c: the parts of arch_vm_create() that need no KVM, in their order, behind arch_open_files():
 * gpa_bits must be known before memory is laid out: x86_find_address_bits() has them from the CPUID that is there.
 * Logs and returns -errno on failure; arch_vm_destroy() in any case.
 */
void x86_find_address_bits(struct vm *vm);
int x86_lay_out_memory(struct vm *vm);

/* x86/state.c: the vCPU and the machine as they were made, and putting that back. */
int x86_vm_state_save(struct vm *vm);
int x86_vcpu_state_save(struct vcpu *vcpu);

/*
 * x86/load.c: would arch_load() find space for everything? Needs memory's layout, no device: asked before
 * there are any, so that a guest that cannot be started leaves no trace. Logs and returns -errno on failure.
 */
int x86_check_load(struct vm *vm);

/* x86/load.c: what firmware tables describe. All devices exist. */
struct platform x86_platform(struct vm *vm);

/*
 * x86/pm.c: the power-management registers that the FADT names, and vm->power_button. Events interrupt by gsi `sci`; -1:
 * the guest has no ACPI, and no button. *rtc is set along with the real-time clock's interrupt.
 */
int acpi_pm_create(struct vm *vm, u16 port, int sci, struct irq_line *rtc);

#endif
