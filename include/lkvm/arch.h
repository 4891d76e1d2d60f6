/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole of what an architecture provides. x86/, arm64/ and riscv/ implement exactly this; nothing
 * outside them knows one of them. Their folders also hold arch-config.h (struct arch_config) and
 * arch-vcpu.h (struct arch_vcpu); struct arch_vm is their own business. Unless said otherwise: main thread,
 * 0 or -errno, after logging what is wrong.
 */
#ifndef LKVM_ARCH_H
#define LKVM_ARCH_H

#include "lkvm/host/host.h"
#include "lkvm/config/options.h"
#include "lkvm/vm/vcpu.h"
#include "lkvm/vm/vm.h"

/* "x86", "arm64", "riscv": the name of the folder and of build/NAME. */
extern const char arch_name[];

/* What helps where there is no /dev/kvm: "load the module ...". */
extern const char arch_kvm_absent[];

/* Rows that the option table gets from the architecture; ends with an empty row. */
extern const struct option_row arch_options[];

/*
 * Kinds of devices that only its boards have a place for, for machine.c's list: X(cfi_flash) ... Its arch-config.h defines
 * the macro then, and its arch-config.c the same as arch_kinds, from which other architectures' builds make the man page.
 */
#ifndef ARCH_KINDS
#define ARCH_KINDS(X)
#endif

/* What only this architecture's KVM can be asked, for `lkvm stat --host`; ends with an empty row. */
extern const struct host_fact arch_host_facts[];

/* Where a kernel just built lies, relative to the tree's top, in order; ends with NULL. */
extern const char *const arch_kernel_paths[];

/* Options that do not go together, memory sizes that do not fit. Nothing exists yet. */
int arch_config_check(const struct vm_config *config);

/*
 * After vm_init(), before anything of KVM's: opens and checks the kernel, the initrds and the firmware, and whatever
 * else goes into the guest's memory. May take as long as a pipe's writer does. arch_vm_destroy() in any case.
 */
int arch_open_files(struct vm *vm);
/* Then: the kernel's file. path is NULL when there is none. */
const struct boot_file *arch_kernel_file(const struct vm *vm);

/* The machine type for KVM_CREATE_VM, checked against what KVM has. */
int arch_vm_type(const struct vm_config *config, int kvm_fd, unsigned long *type);

/*
 * After KVM_CREATE_VM: guest memory's layout (guest_memory_add_ram) and vm_map_memory(), then irqchip
 * and irq_init(). In this order: with an irqchip there, KVM takes milliseconds for a memory slot.
 */
int arch_vm_create(struct vm *vm);
void arch_vm_destroy(struct vm *vm);

/* After KVM_CREATE_VCPU, for each: CPUID, features; keeps what a reset needs. */
int arch_vcpu_create(struct vcpu *vcpu);

/* The platform's own devices, in guest order: serial port(s), RTC, PCI host ... */
int arch_create_devices(struct vm *vm);

/* Where the next virtio-mmio device goes: base, size and gsi from the board's table. -ENOSPC. */
int arch_virtio_mmio_slot(struct vm *vm, unsigned index, struct device_resource *where, int *gsi);

/*
 * Puts kernel, initrd, command line and firmware tables into guest memory, after all devices exist.
 * Called again for a reboot, with memory cleared: files are read anew from the descriptors kept open.
 */
int arch_load(struct vm *vm);

/* Every vCPU and the irqchip as after power-on, vCPU 0 at the kernel's entry. vCPUs are parked. */
int arch_reset(struct vm *vm);

/* vCPU thread: exits other than I/O, MMIO, interruption, shutdown and the system events of all. */
enum exit_action arch_vcpu_exit(struct vcpu *vcpu);

/* vCPU thread or main, vCPU not in KVM_RUN: registers and the bytes at the program counter, stderr. */
void arch_vcpu_dump(struct vcpu *vcpu);

/* What a vCPU is about, as far as its registers tell. */
enum vcpu_activity {
	VCPU_ACTIVE, /* it runs a program, or waits for an interrupt that it will take, or it cannot be known */
	VCPU_IN_KERNEL, /* it runs privileged code, and does not wait */
	VCPU_DEAD, /* off, or it waits for ever: interrupts are masked, and all it does is to wait on */
};

/* vCPU parked. Where it is goes to *pc, for VCPU_IN_KERNEL. */
enum vcpu_activity arch_vcpu_activity(struct vcpu *vcpu, u64 *pc);

/*
 * What few architectures have to say. Their arch-vcpu.h declares it then, and a macro of the same name.
 *
 * vCPU thread, on an access of the guest: are its loads and stores big-endian, as its registers are now?
 * Of no importance but to legacy virtio.
 */
#ifndef arch_vcpu_big_endian
static inline bool arch_vcpu_big_endian(struct vcpu *of)
{
	return false;
}
#endif

/*
 * After arch_vm_type(), with no VM yet: opens the host's other devices that such a guest takes. arch_vm_destroy() in
 * any case.
 */
#ifndef arch_open_devices
static inline int arch_open_devices(struct vm *vm)
{
	return 0;
}
#endif

/* vCPU parked, about to run on after a pause: tell the guest's clocks, if there is a way. */
#ifndef arch_vcpu_resume
static inline void arch_vcpu_resume(struct vcpu *of)
{
}
#endif

/* Frees what arch_vcpu_create() made, also when it failed. */
#ifndef arch_vcpu_destroy
static inline void arch_vcpu_destroy(struct vcpu *of)
{
}
#endif

#endif
