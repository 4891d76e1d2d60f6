// SPDX-License-Identifier: GPL-2.0-or-later
/* Fields of 9P messages, both ways: little-endian, one behind the other, strings with their length before them. */
#include <endian.h>
#include <string.h>
#include "9p-private.h"

static bool wire_take(struct p9_call *call, void *bytes, u32 len)
{
	if (call->bad || len > call->body - call->at) {
		call->bad = true;
		memset(bytes, 0, len);
		return false;
	}
	memcpy(bytes, call->in + call->at, len);
	call->at += len;
	return true;
}

u8 p9_u8(struct p9_call *call)
{
	u8 value;

	wire_take(call, &value, sizeof(value));
	return value;
}

u16 p9_u16(struct p9_call *call)
{
	u16 value;

	wire_take(call, &value, sizeof(value));
	return le16toh(value);
}

u32 p9_u32(struct p9_call *call)
{
	u32 value;

	wire_take(call, &value, sizeof(value));
	return le32toh(value);
}

u64 p9_u64(struct p9_call *call)
{
	u64 value;

	wire_take(call, &value, sizeof(value));
	return le64toh(value);
}

void p9_string(struct p9_call *call, char *text, size_t size)
{
	u16 len = p9_u16(call);

	text[0] = '\0';
	if (len >= size) {
		call->bad = true;
		return;
	}
	if (wire_take(call, text, len) && memchr(text, 0, len))
		call->bad = true;
	text[len] = '\0';
}

static void wire_put(struct p9_call *call, const void *bytes, u32 len)
{
	/* Never, as `out` holds the longest answer; but what it holds must not depend on that. */
	if (len > sizeof(call->out) - call->reply)
		return;
	memcpy(call->out + call->reply, bytes, len);
	call->reply += len;
}

void p9_put_u8(struct p9_call *call, u8 value)
{
	wire_put(call, &value, sizeof(value));
}

void p9_put_u16(struct p9_call *call, u16 value)
{
	value = htole16(value);
	wire_put(call, &value, sizeof(value));
}

void p9_put_u32(struct p9_call *call, u32 value)
{
	value = htole32(value);
	wire_put(call, &value, sizeof(value));
}

void p9_put_u64(struct p9_call *call, u64 value)
{
	value = htole64(value);
	wire_put(call, &value, sizeof(value));
}

void p9_put_string(struct p9_call *call, const char *text, size_t len)
{
	p9_put_u16(call, len);
	wire_put(call, text, len);
}

u8 p9_qid_type(u32 mode)
{
	return S_ISDIR(mode) ? 0x80 : S_ISLNK(mode) ? 0x02 : 0x00;
}

/* A version of 0 would say that the guest may keep nothing of the file. */
static u32 qid_version(const struct statx *stx)
{
	u64 stamp = stx->stx_mtime.tv_sec * 1000000000ULL + stx->stx_mtime.tv_nsec +
		    stx->stx_ctime.tv_sec * 31ULL + stx->stx_ctime.tv_nsec;

	return (u32)(stamp ^ stamp >> 32) ?: 1;
}

void p9_put_qid(struct p9_call *call, const struct export_attr *attr)
{
	p9_put_u8(call, p9_qid_type(attr->statx.stx_mode));
	p9_put_u32(call, qid_version(&attr->statx));
	p9_put_u64(call, attr->statx.stx_ino);
}
