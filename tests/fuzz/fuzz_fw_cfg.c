// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fw_cfg under any sequence of port accesses and DMA descriptors, with pauses' quiet and resets between them.
 * Beside it runs a model of what is read: an item, an offset in it, and zeros behind the end.
 */
#include <stdlib.h>
#include "fuzz.h"
#include "fw_cfg_words.h"
#include "kernel_file.h"
#include "lkvm/hw/fw-cfg.h"
#include "lkvm/util/log.h"
#include "../unit/no_vcpus.h"

#define BUFFER_MAX 0x2000
#define NAMED	   0x20
#define FILES	   0x11

static u8 bytes[300], files[64 + 37];

static struct {
	const u8 *data;
	u32 size, offset;
} model;

static void model_select(u16 key)
{
	model.data = key == NAMED ? bytes : key == FILES ? files : NULL;
	model.size = key == NAMED ? sizeof(bytes) : key == FILES ? sizeof(files) : 0;
	model.offset = 0;
}

/* Of these two items all is known; of others that nothing worse happens. */
static u16 any_key(struct fuzz *f)
{
	u8 choice = fuzz8(f);

	return choice < 100 ? NAMED : choice < 200 ? FILES : 0xfffe;
}

static void check(const u8 *got, u32 len)
{
	for (u32 i = 0; i < len; i++) {
		u8 want = model.offset < model.size ? model.data[model.offset++] : 0;

		if (got[i] != want)
			abort();
	}
}

static void good_dma(struct fuzz *f)
{
	u32 length = fuzz16(f) % BUFFER_MAX, control = fuzz8(f) & (READ | SKIP | SELECT);
	u16 key = any_key(f);

	memset(at(BUFFER), 0xee, length + 1);
	if (control & SELECT)
		model_select(key);
	if (dma((u32)key << 16 | control, length, BUFFER))
		abort();
	if (control & READ)
		check(at(BUFFER), length);
	else if (control & SKIP)
		model.offset = MIN(model.offset + length, model.size);
	if (!(control & READ) && at(BUFFER)[0] != 0xee)
		abort();
	if (at(BUFFER)[length] != 0xee)
		abort();
}

/* Any control, address and length; what is selected afterwards is known again. */
static void any_dma(struct fuzz *f)
{
	u32 control = fuzz32(f), length = fuzz32(f);
	u64 gpa = (u64)fuzz32(f) << (fuzz8(f) % 33);

	/* A whole answer of 4 GiB is right, and slow. */
	if (length > BUFFER_MAX && gpa >= RING_BASE && gpa < RING_BASE + FAKE_RAM_SIZE)
		length %= BUFFER_MAX;
	dma(control, length, gpa);
	port_put(vm, SELECTOR, 2, NAMED);
	model_select(NAMED);
}

static void any_port(struct fuzz *f)
{
	u16 port = SELECTOR + fuzz8(f) % FW_CFG_PORTS;
	unsigned len = 1 << fuzz8(f) % 3;
	u32 value = fuzz32(f);

	if (fuzz8(f) & 1)
		port_put(vm, port, len, value);
	else
		port_get(vm, port, len);
	port_put(vm, DMA_HIGH, 4, 0);
	port_put(vm, SELECTOR, 2, FILES);
	model_select(FILES);
}

static void read_port(struct fuzz *f)
{
	for (unsigned n = fuzz8(f); n; n--) {
		u8 byte = port_get(vm, DATA, 1);

		check(&byte, 1);
	}
}

static void step(struct fuzz *f)
{
	u16 key;

	switch (fuzz8(f) % 8) {
	case 0:
		any_port(f);
		break;
	case 1:
		any_dma(f);
		break;
	case 2:
		key = any_key(f);
		port_put(vm, SELECTOR, 2, key);
		model_select(key);
		break;
	case 3 ... 4:
		read_port(f);
		break;
	case 5 ... 6:
		good_dma(f);
		break;
	case 7:
		devices_reset(&vm->devices);
		model_select(0xffff);
		break;
	}
}

static struct boot_file two[2];

/* Two files, the second one behind the first one's padding. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct memory_file first, second;

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = i + 1;
	for (unsigned i = 0; i < sizeof(files); i++)
		files[i] = i < 61 || i >= 64 ? 0x80 | i : 0;
	first = memory_file(files, 61);
	second = memory_file(files + 64, 37);
	if (boot_file_open(&two[0], "initrd", first.path, GIB(1)) ||
	    boot_file_open(&two[1], "initrd", second.path, GIB(1)))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct fw_cfg *fw;

	log_set_level(LOG_LEVEL_ERROR);
	vm = fake_vm_create();
	if (fw_cfg_create(vm, SELECTOR, &fw) ||
	    fw_cfg_set_name(fw, "etc/fuzz", bytes, sizeof(bytes)) ||
	    fw_cfg_set_files(fw, FILES, two, 2))
		abort();
	devices_reset(&vm->devices);
	model_select(0xffff);
	while (f.left)
		step(&f);
	fake_vm_destroy(vm);
	return 0;
}
