/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fw_cfg as its users see it: ports, the words of a DMA descriptor, and a place in the fake VM's memory for one. */
#ifndef TEST_FW_CFG_WORDS_H
#define TEST_FW_CFG_WORDS_H

#include <string.h>
#include "fake_vm.h"

#define SELECTOR 0x510
#define DATA	 0x511
#define DMA_HIGH 0x514
#define DMA_LOW	 0x518

#define ERROR  1
#define READ   2
#define SKIP   4
#define SELECT 8
#define WRITE  16

#define DESCRIPTOR (RING_BASE + 0x100)
#define BUFFER	   (RING_BASE + 0x1000)

static struct vm *vm;

static inline u8 *at(gpa_t gpa)
{
	return fake_ram(vm) + (gpa - RING_BASE);
}

static inline void start(gpa_t descriptor)
{
	port_put(vm, DMA_HIGH, 4, htobe32(descriptor >> 32));
	port_put(vm, DMA_LOW, 4, htobe32(descriptor));
}

/* What the control word is afterwards. */
static inline u32 dma(u32 control, u32 length, gpa_t address)
{
	u32 words[2] = { htobe32(control), htobe32(length) };
	u64 gpa = htobe64(address);

	memcpy(at(DESCRIPTOR), words, 8);
	memcpy(at(DESCRIPTOR) + 8, &gpa, 8);
	start(DESCRIPTOR);
	memcpy(words, at(DESCRIPTOR), 4);
	return be32toh(words[0]);
}

#endif
