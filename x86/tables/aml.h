/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A writer of ACPI Machine Language (ACPI 6.5, chapter 20): just the terms that a description of fixed
 * hardware needs. It writes into the caller's buffer; when that is too small, or blocks are nested
 * too deep, `failed` is set, and nothing more is written. Main thread.
 */
#ifndef X86_AML_H
#define X86_AML_H

#include "lkvm/util/types.h"

#define AML_MAX_DEPTH 8

struct aml {
	u8 *buffer;
	size_t size, len;
	bool failed;
	unsigned depth;
	size_t open[AML_MAX_DEPTH]; /* where the open blocks' lengths belong */
};

void aml_init(struct aml *aml, void *buffer, size_t size);
void aml_bytes(struct aml *aml, const void *bytes, size_t len);
void aml_byte(struct aml *aml, u8 byte);

/* Data */
void aml_int(struct aml *aml, u64 value);
void aml_string(struct aml *aml, const char *text);
/* "PNP0A08" as the 32-bit number that ids of three letters and four hex digits have; others as text. */
void aml_hardware_id(struct aml *aml, const char *id);
/* One segment of up to four characters, or "\\_SB" and the like: a root prefix and one segment. */
void aml_name_string(struct aml *aml, const char *name);
/* Name (NAME, ...): the object follows. */
void aml_name(struct aml *aml, const char *name);
void aml_name_int(struct aml *aml, const char *name, u64 value);

/* Blocks; each is closed by aml_end. */
void aml_scope(struct aml *aml, const char *name);
void aml_device(struct aml *aml, const char *name);
void aml_method(struct aml *aml, const char *name, unsigned nr_args, bool serialized);
void aml_package(struct aml *aml, unsigned nr);
void aml_if(struct aml *aml);
void aml_end(struct aml *aml);

void aml_buffer(struct aml *aml, const void *bytes, size_t len);

/* Resource templates: the descriptors, then one buffer object of them named _CRS. */
struct aml_resources {
	u8 bytes[512];
	size_t len;
	bool failed;
};

void aml_res_io(struct aml_resources *res, u16 base, u8 size);
/* Fixed memory; base and size must fit in 32 bits. */
void aml_res_memory(struct aml_resources *res, u32 base, u32 size);
void aml_res_interrupt(struct aml_resources *res, u32 gsi, bool edge, bool shared);
/* What a bridge passes on: bus numbers, ports, memory. */
void aml_res_bus_window(struct aml_resources *res, u16 first, u16 last);
void aml_res_io_window(struct aml_resources *res, u16 first, u16 last);
void aml_res_memory_window(struct aml_resources *res, u64 base, u64 size);
void aml_crs(struct aml *aml, struct aml_resources *res);

#endif
