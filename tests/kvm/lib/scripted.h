/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scripted guest asks of its processor. These are for tests/kvm/arch.h, which makes of them the words
 * that guests use; a guest may be left for good inside each of them.
 */
#ifndef SCRIPTED_H
#define SCRIPTED_H

/* The guest, in its shared object: runs on vCPU 0. `boot` is what the boot protocol hands on. */
void guest_main(unsigned long boot);

/* An access of 1, 2, 4 or 8 bytes: RAM, or an exit to the program under test. */
unsigned long long scripted_read(unsigned long address, unsigned len);
void scripted_write(unsigned long address, unsigned long long value, unsigned len);
unsigned scripted_in(unsigned short port, unsigned len);
void scripted_out(unsigned short port, unsigned value, unsigned len);

/* Many bytes to a port, in as few exits as there can be. */
void scripted_outs(unsigned short port, const void *bytes, unsigned long count);

/* Where the device finds a variable of the guest's: its guest physical address. It must not be a constant, nor on the stack. */
unsigned long scripted_gpa(const volatile void *pointer);

/* Where the guest itself finds RAM: NULL when `len` bytes from there are not one slot's. */
void *scripted_memory(unsigned long address, unsigned long len);

/* In every loop that waits: lets the vCPU be stopped. */
void scripted_relax(void);

/* HLT: until an interrupt came that the last call did not tell of, or, without interrupts, for ever. */
void scripted_halt(int interrupts);

/* Passes time, in milliseconds, as a halted vCPU with a timer does. */
void scripted_sleep(unsigned ms);

/* The level of an interrupt line, and how often it rose; how many messages with this vector came. */
int scripted_line(unsigned gsi);
unsigned scripted_line_rose(unsigned gsi);
unsigned scripted_msis(unsigned char vector);

/* Starts a vCPU that was not yet: function(cpu). 0: there is none of that number. */
int scripted_start(unsigned cpu, void (*function)(unsigned cpu));

/* The vCPU leaves the guest for a reason of KVM's: KVM_EXIT_SHUTDOWN and the like. */
void scripted_exit(unsigned reason);

#endif
