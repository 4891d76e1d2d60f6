/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel images as arm64 boots them (Documentation/arch/arm64/booting.rst). Main thread. */
#ifndef ARM64_KERNEL_H
#define ARM64_KERNEL_H

#include "lkvm/boot.h"

struct arm64_kernel {
	struct boot_file file;
	u64 text_offset; /* from a 2 MiB boundary */
	u64 size;	 /* bytes in memory, .bss included */
};

/* Where vCPU 0 begins. */
struct arm64_entry {
	gpa_t pc;
	gpa_t dtb;
};

/* Opens and checks the file. 0 or -errno, said. */
int arm64_kernel_open(struct arm64_kernel *kernel, const char *path);
void arm64_kernel_close(struct arm64_kernel *kernel);
/* Puts it at `base` + text_offset; base is a multiple of 2 MiB. 0 or -errno, said. */
int arm64_kernel_load(const struct arm64_kernel *kernel, const struct guest_memory *memory,
		      gpa_t base);

#endif
