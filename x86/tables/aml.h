/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A writer of ACPI Machine Language (ACPI 6.5, chapter 20): just the terms that a description of fixed
 * hardware needs. When the writer is full, or blocks are nested too deep, the writer has failed. Main thread.
 */
#ifndef X86_AML_H
#define X86_AML_H

#include "writer.h"

#define AML_MAX_DEPTH 8

struct aml {
	struct writer *out;
	unsigned depth;
	size_t open[AML_MAX_DEPTH]; /* where the open blocks' lengths belong */
};

void aml_bytes(struct aml *aml, const void *bytes, size_t len);
void aml_byte(struct aml *aml, u8 byte);

/* Data */
void aml_int(struct aml *aml, u64 value);
void aml_string(struct aml *aml, const char *text);
/* One of 7 characters, three letters and four hex digits ("PNP0A08"), as a 32-bit number; others as text. */
void aml_hardware_id(struct aml *aml, const char *id);
/* One segment of up to four characters, or "\\_SB" and the like: a root prefix and one segment. */
void aml_name_string(struct aml *aml, const char *name);
/* Name (NAME, ...): the object follows. */
void aml_name(struct aml *aml, const char *name);
void aml_name_int(struct aml *aml, const char *name, u64 value);

/* Blocks; each is closed by aml_end. */
void aml_scope(struct aml *aml, const char *name);
void aml_device(struct aml *aml, const char *name);
void aml_method(struct aml *aml, const char *name, unsigned nr_args); /* serialized */
void aml_package(struct aml *aml, unsigned nr);
void aml_if(struct aml *aml);
void aml_end(struct aml *aml);

void aml_buffer(struct aml *aml, const void *bytes, size_t len);

/* Name (_CRS, ResourceTemplate ...): descriptors follow, then aml_crs_end. */
void aml_crs(struct aml *aml);
void aml_crs_end(struct aml *aml);
void aml_res_io(struct aml *aml, u16 base, u8 size);
/* Fixed memory; base and size must fit in 32 bits. */
void aml_res_memory(struct aml *aml, u32 base, u32 size);
/* May be shared: boards with more devices than pins do so, and saying it of all costs nothing. */
void aml_res_interrupt(struct aml *aml, u32 gsi, bool edge);
/* What a bridge passes on: bus numbers, ports, memory. */
void aml_res_bus_window(struct aml *aml, u16 first, u16 last);
void aml_res_io_window(struct aml *aml, u16 first, u16 last);
void aml_res_memory_window(struct aml *aml, u64 base, u64 size);

#endif
