// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "aml.h"

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

void aml_init(struct aml *aml, void *buffer, size_t size)
{
	memset(aml, 0, sizeof(*aml));
	aml->buffer = buffer;
	aml->size = size;
}

void aml_bytes(struct aml *aml, const void *bytes, size_t len)
{
	if (aml->failed || len > aml->size - aml->len) {
		aml->failed = true;
		return;
	}
	memcpy(aml->buffer + aml->len, bytes, len);
	aml->len += len;
}

void aml_byte(struct aml *aml, u8 byte)
{
	aml_bytes(aml, &byte, 1);
}

static void little_endian(u8 *out, u64 value, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		out[i] = value >> (8 * i);
}

static void number(struct aml *aml, u64 value, unsigned len)
{
	u8 bytes[8];

	little_endian(bytes, value, len);
	aml_bytes(aml, bytes, len);
}

void aml_int(struct aml *aml, u64 value)
{
	if (value <= 1) {
		aml_byte(aml, value ? OP_ONE : OP_ZERO);
	} else if (value <= 0xff) {
		aml_byte(aml, OP_BYTE);
		number(aml, value, 1);
	} else if (value <= 0xffff) {
		aml_byte(aml, OP_WORD);
		number(aml, value, 2);
	} else if (value <= 0xffffffff) {
		aml_byte(aml, OP_DWORD);
		number(aml, value, 4);
	} else {
		aml_byte(aml, OP_QWORD);
		number(aml, value, 8);
	}
}

void aml_string(struct aml *aml, const char *text)
{
	aml_byte(aml, OP_STRING);
	aml_bytes(aml, text, strlen(text) + 1);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Five bits a letter, four bits a digit, most significant first; stored big-endian. */
static bool compress_id(const char *id, u8 out[4])
{
	u32 value = 0;

	if (strlen(id) != 7)
		return false;
	for (unsigned i = 0; i < 3; i++) {
		if (id[i] < 'A' || id[i] > 'Z')
			return false;
		value = value << 5 | (id[i] - 'A' + 1);
	}
	for (unsigned i = 3; i < 7; i++) {
		if (hex_digit(id[i]) < 0)
			return false;
		value = value << 4 | hex_digit(id[i]);
	}
	for (unsigned i = 0; i < 4; i++)
		out[i] = value >> (24 - 8 * i);
	return true;
}

void aml_hardware_id(struct aml *aml, const char *id)
{
	u8 compressed[4];

	if (!compress_id(id, compressed)) {
		aml_string(aml, id);
		return;
	}
	aml_byte(aml, OP_DWORD);
	aml_bytes(aml, compressed, 4);
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

static void begin(struct aml *aml)
{
	if (aml->depth == AML_MAX_DEPTH)
		aml->failed = true;
	if (!aml->failed)
		aml->open[aml->depth++] = aml->len;
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
	little_endian(out + 1, content >> 4, extra);
	return 1 + extra;
}

void aml_end(struct aml *aml)
{
	u8 length[4];
	size_t at, content;
	unsigned len;

	if (aml->failed || !aml->depth) {
		aml->failed = true;
		return;
	}
	at = aml->open[--aml->depth];
	content = aml->len - at;
	len = package_length(length, content);
	if (len > aml->size - aml->len) {
		aml->failed = true;
		return;
	}
	memmove(aml->buffer + at + len, aml->buffer + at, content);
	memcpy(aml->buffer + at, length, len);
	aml->len += len;
}

void aml_scope(struct aml *aml, const char *name)
{
	aml_byte(aml, OP_SCOPE);
	begin(aml);
	aml_name_string(aml, name);
}

void aml_device(struct aml *aml, const char *name)
{
	aml_byte(aml, OP_EXT);
	aml_byte(aml, EXT_DEVICE);
	begin(aml);
	aml_name_string(aml, name);
}

void aml_method(struct aml *aml, const char *name, unsigned nr_args, bool serialized)
{
	aml_byte(aml, OP_METHOD);
	begin(aml);
	aml_name_string(aml, name);
	aml_byte(aml, nr_args | (serialized ? 8 : 0));
}

void aml_package(struct aml *aml, unsigned nr)
{
	aml_byte(aml, OP_PACKAGE);
	begin(aml);
	aml_byte(aml, nr);
}

void aml_if(struct aml *aml)
{
	aml_byte(aml, OP_IF);
	begin(aml);
}

void aml_buffer(struct aml *aml, const void *bytes, size_t len)
{
	aml_byte(aml, OP_BUFFER);
	begin(aml);
	aml_int(aml, len);
	aml_bytes(aml, bytes, len);
	aml_end(aml);
}

/* ---- resource descriptors (ACPI 6.5, 6.4) ---- */

static void put(struct aml_resources *res, const void *bytes, size_t len)
{
	if (res->failed || len > sizeof(res->bytes) - res->len) {
		res->failed = true;
		return;
	}
	memcpy(res->bytes + res->len, bytes, len);
	res->len += len;
}

void aml_res_io(struct aml_resources *res, u16 base, u8 size)
{
	u8 d[8] = { 0x47, 1 /* 16 bits decoded */ };

	little_endian(d + 2, base, 2);
	little_endian(d + 4, base, 2);
	d[6] = 1;
	d[7] = size;
	put(res, d, sizeof(d));
}

void aml_res_memory(struct aml_resources *res, u32 base, u32 size)
{
	u8 d[12] = { 0x86, 9, 0, 1 /* writable */ };

	little_endian(d + 4, base, 4);
	little_endian(d + 8, size, 4);
	put(res, d, sizeof(d));
}

void aml_res_interrupt(struct aml_resources *res, u32 gsi, bool edge, bool shared)
{
	u8 d[9] = { 0x89, 6, 0 };

	d[3] = 1 /* consumer */ | (edge ? 2 : 0) | (shared ? 8 : 0);
	d[4] = 1;
	little_endian(d + 5, gsi, 4);
	put(res, d, sizeof(d));
}

/* One address space descriptor with fields of `width` bytes. */
static void window(struct aml_resources *res, u8 tag, u8 type, u8 type_flags, unsigned width,
		   u64 first, u64 last)
{
	u8 d[46] = { tag };
	unsigned len = 6 + 5 * width;

	little_endian(d + 1, len - 3, 2);
	d[3] = type;
	d[4] = 0x0c; /* producer, both ends are fixed */
	d[5] = type_flags;
	little_endian(d + 6 + 1 * width, first, width);
	little_endian(d + 6 + 2 * width, last, width);
	little_endian(d + 6 + 4 * width, last - first + 1, width);
	put(res, d, len);
}

void aml_res_bus_window(struct aml_resources *res, u16 first, u16 last)
{
	window(res, 0x88, 2, 0, 2, first, last);
}

void aml_res_io_window(struct aml_resources *res, u16 first, u16 last)
{
	window(res, 0x88, 1, 3 /* the whole range */, 2, first, last);
}

void aml_res_memory_window(struct aml_resources *res, u64 base, u64 size)
{
	u64 last = base + size - 1;

	if (last <= UINT32_MAX)
		window(res, 0x87, 0, 1 /* writable */, 4, base, last);
	else
		window(res, 0x8a, 0, 1, 8, base, last);
}

void aml_crs(struct aml *aml, struct aml_resources *res)
{
	static const u8 end[2] = { 0x79, 0 /* no checksum */ };

	put(res, end, sizeof(end));
	if (res->failed)
		aml->failed = true;
	aml_name(aml, "_CRS");
	aml_buffer(aml, res->bytes, res->len);
}
