// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "aml.h"
#include "lkvm/vm/bus.h"

/* Opcodes (ACPI 6.5, 20.3) */
#define OP_ZERO	   0x00
#define OP_ONE	   0x01
#define OP_NAME	   0x08
#define OP_BYTE	   0x0a
#define OP_WORD	   0x0b
#define OP_DWORD   0x0c
#define OP_STRING  0x0d
#define OP_QWORD   0x0e
#define OP_SCOPE   0x10
#define OP_BUFFER  0x11
#define OP_PACKAGE 0x12
#define OP_METHOD  0x14
#define OP_EXT	   0x5b
#define EXT_DEVICE 0x82
#define OP_IF	   0xa0

void aml_bytes(struct aml *aml, const void *bytes, size_t len)
{
	writer_add(aml->out, bytes, len);
}

void aml_byte(struct aml *aml, u8 byte)
{
	aml_bytes(aml, &byte, 1);
}

void aml_int(struct aml *aml, u64 value)
{
	static const u8 prefixes[] = {
		[1] = OP_BYTE, [2] = OP_WORD, [4] = OP_DWORD, [8] = OP_QWORD
	};
	unsigned len = value <= 0xff ? 1 : value <= 0xffff ? 2 : value <= UINT32_MAX ? 4 : 8;
	u8 bytes[8];

	if (value <= 1) {
		aml_byte(aml, value ? OP_ONE : OP_ZERO);
		return;
	}
	bus_put(bytes, len, value);
	aml_byte(aml, prefixes[len]);
	aml_bytes(aml, bytes, len);
}

void aml_string(struct aml *aml, const char *text)
{
	aml_byte(aml, OP_STRING);
	aml_bytes(aml, text, strlen(text) + 1);
}

void aml_hardware_id(struct aml *aml, const char *id)
{
	u32 value = 0;

	if (strlen(id) != 7) {
		aml_string(aml, id);
		return;
	}
	/* Five bits a letter, four bits a digit, most significant first; stored big-endian. */
	for (unsigned i = 0; i < 3; i++)
		value = value << 5 | (id[i] - 'A' + 1);
	value = htobe32(value << 16 | strtoul(id + 3, NULL, 16));
	aml_byte(aml, OP_DWORD);
	aml_bytes(aml, &value, sizeof(value));
}

void aml_name_string(struct aml *aml, const char *name)
{
	char segment[4] = { '_', '_', '_', '_' };
	size_t len;

	if (*name == '\\')
		aml_byte(aml, *name++);
	len = strlen(name);
	memcpy(segment, name, MIN(len, sizeof(segment)));
	aml_bytes(aml, segment, 4);
}

void aml_name(struct aml *aml, const char *name)
{
	aml_byte(aml, OP_NAME);
	aml_name_string(aml, name);
}

void aml_name_int(struct aml *aml, const char *name, u64 value)
{
	aml_name(aml, name);
	aml_int(aml, value);
}

static void aml_begin(struct aml *aml)
{
	if (aml->depth == AML_MAX_DEPTH)
		aml->out->failed = true;
	else
		aml->open[aml->depth++] = aml->out->len;
}

/* PkgLength counts itself: 6 bits in one byte, or 4 bits and one to three bytes more. */
static unsigned package_length(u8 out[4], size_t content)
{
	unsigned extra;

	if (content + 1 <= 0x3f) {
		out[0] = content + 1;
		return 1;
	}
	for (extra = 1; extra < 3 && content + 1 + extra > BIT(4 + 8 * extra) - 1;)
		extra++;
	content += 1 + extra;
	out[0] = extra << 6 | (content & 0xf);
	bus_put(out + 1, extra, content >> 4);
	return 1 + extra;
}

void aml_end(struct aml *aml)
{
	struct writer *out = aml->out;
	u8 length[4];
	size_t at, content;
	unsigned len;

	if (out->failed || !aml->depth) {
		out->failed = true;
		return;
	}
	at = aml->open[--aml->depth];
	content = out->len - at;
	len = package_length(length, content);
	writer_add(out, length, len);
	if (out->failed)
		return;
	memmove(out->bytes + at + len, out->bytes + at, content);
	memcpy(out->bytes + at, length, len);
}

void aml_scope(struct aml *aml, const char *name)
{
	aml_byte(aml, OP_SCOPE);
	aml_begin(aml);
	aml_name_string(aml, name);
}

void aml_device(struct aml *aml, const char *name)
{
	aml_byte(aml, OP_EXT);
	aml_byte(aml, EXT_DEVICE);
	aml_begin(aml);
	aml_name_string(aml, name);
}

void aml_method(struct aml *aml, const char *name, unsigned nr_args)
{
	aml_byte(aml, OP_METHOD);
	aml_begin(aml);
	aml_name_string(aml, name);
	aml_byte(aml, nr_args | 8 /* serialized */);
}

void aml_package(struct aml *aml, unsigned nr)
{
	aml_byte(aml, OP_PACKAGE);
	aml_begin(aml);
	aml_byte(aml, nr);
}

void aml_if(struct aml *aml)
{
	aml_byte(aml, OP_IF);
	aml_begin(aml);
}

void aml_buffer(struct aml *aml, const void *bytes, size_t len)
{
	aml_byte(aml, OP_BUFFER);
	aml_begin(aml);
	aml_int(aml, len);
	aml_bytes(aml, bytes, len);
	aml_end(aml);
}

/* ---- resource descriptors (ACPI 6.5, 6.4) ---- */

/* Behind the buffer's length field come 3 bytes that tell the size; it is known at the end. */
void aml_crs(struct aml *aml)
{
	static const u8 size[3] = { OP_WORD };

	aml_name(aml, "_CRS");
	aml_byte(aml, OP_BUFFER);
	aml_begin(aml);
	aml_bytes(aml, size, sizeof(size));
}

void aml_crs_end(struct aml *aml)
{
	static const u8 end[2] = { 0x79, 0 /* no checksum */ };
	size_t at;

	aml_bytes(aml, end, sizeof(end));
	if (!aml->out->failed) {
		at = aml->open[aml->depth - 1];
		bus_put(aml->out->bytes + at + 1, 2, aml->out->len - at - 3);
	}
	aml_end(aml);
}

void aml_res_io(struct aml *aml, u16 base, u8 size)
{
	u8 d[8] = { 0x47, 1 /* 16 bits decoded */, [6] = 1, [7] = size };

	bus_put(d + 2, 2, base);
	bus_put(d + 4, 2, base);
	aml_bytes(aml, d, sizeof(d));
}

void aml_res_memory(struct aml *aml, u32 base, u32 size)
{
	u8 d[12] = { 0x86, 9, 0, 1 /* writable */ };

	bus_put(d + 4, 4, base);
	bus_put(d + 8, 4, size);
	aml_bytes(aml, d, sizeof(d));
}

void aml_res_interrupt(struct aml *aml, u32 gsi, bool edge)
{
	u8 d[9] = { 0x89, 6, 0, 1 /* consumer */ | (edge ? 2 : 0) | 8 /* shared */, 1 };

	bus_put(d + 5, 4, gsi);
	aml_bytes(aml, d, sizeof(d));
}

/* One address space descriptor with fields of `width` bytes. */
static void aml_window(struct aml *aml, u8 tag, u8 type, u8 type_flags, unsigned width, u64 first,
		       u64 last)
{
	u8 d[46] = {
		tag, [3] = type, [4] = 0x0c /* producer, both ends fixed */, [5] = type_flags
	};
	unsigned len = 6 + 5 * width;

	bus_put(d + 1, 2, len - 3);
	bus_put(d + 6 + 1 * width, width, first);
	bus_put(d + 6 + 2 * width, width, last);
	bus_put(d + 6 + 4 * width, width, last - first + 1);
	aml_bytes(aml, d, len);
}

void aml_res_bus_window(struct aml *aml, u16 first, u16 last)
{
	aml_window(aml, 0x88, 2, 0, 2, first, last);
}

void aml_res_io_window(struct aml *aml, u16 first, u16 last)
{
	aml_window(aml, 0x88, 1, 3 /* the whole range */, 2, first, last);
}

void aml_res_memory_window(struct aml *aml, u64 base, u64 size)
{
	u64 last = base + size - 1;

	if (last <= UINT32_MAX)
		aml_window(aml, 0x87, 0, 1 /* writable */, 4, base, last);
	else
		aml_window(aml, 0x8a, 0, 1, 8, base, last);
}
