/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking things up in the device tree (Devicetree Specification, chapter 5). */
#ifndef GUEST_FDT_H
#define GUEST_FDT_H

#include "guest.h"

#define FDT_MAGIC 0xd00dfeedU

#define FDT_BEGIN_NODE 1
#define FDT_END_NODE   2
#define FDT_PROP       3
#define FDT_NOP	       4

struct fdt_value {
	const u8 *bytes; /* NULL: there is no such property */
	u32 len;
};

static inline u32 be32(const void *at)
{
	const u8 *b = at;

	return (u32)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

static inline u64 be64(const void *at)
{
	return (u64)be32(at) << 32 | be32((const u8 *)at + 4);
}

static inline u32 text_length(const char *text)
{
	u32 n = 0;

	while (text[n])
		n++;
	return n;
}

/* `text` begins with `word`; what follows in it. */
static inline const char *text_after(const char *text, const char *word)
{
	while (*word)
		if (*text++ != *word++)
			return 0;
	return text;
}

static inline u32 text_is(const char *text, const char *other)
{
	const char *end = text_after(text, other);

	return end && !*end;
}

/* A node's name against a step of a path: "cpu" is also "cpu@1". */
static inline u32 fdt_is_step(const char *name, const char *step, u32 len)
{
	for (u32 i = 0; i < len; i++)
		if (name[i] != step[i])
			return 0;
	return !name[len] || name[len] == '@';
}

static inline u32 fdt_size(const void *tree)
{
	return be32((const u8 *)tree + 4);
}

/*
 * The property of the nth node that "/one/two" describes. NULL bytes when there is none.
 */
static inline struct fdt_value fdt_get(const void *tree, const char *path, u32 nth,
				       const char *name)
{
	const u8 *at = (const u8 *)tree + be32((const u8 *)tree + 8);
	const char *names = (const char *)tree + be32((const u8 *)tree + 12);
	const char *rest = path + 1; /* what of the path is still to be found */
	u32 depth = 0, found = 0;    /* found: so many of depth are steps of the path */

	for (;;) {
		u32 token = be32(at), len = 0, step = 0;

		at += 4;
		while (rest[step] && rest[step] != '/')
			step++;
		switch (token) {
		case FDT_BEGIN_NODE:
			len = text_length((const char *)at) + 1;
			depth++;
			if (depth == found + 2 && step &&
			    fdt_is_step((const char *)at, rest, step)) {
				if (rest[step] || !nth--) {
					found++;
					rest += step + (rest[step] == '/');
				}
			}
			break;
		case FDT_PROP:
			len = 8 + be32(at);
			if (depth == found + 1 && !*rest && text_is(names + be32(at + 4), name))
				return (struct fdt_value){ at + 8, be32(at) };
			break;
		case FDT_END_NODE:
			/* The path leads into this node and was not found there. */
			if (depth == found + 1)
				return (struct fdt_value){ 0, 0 };
			depth--;
			break;
		case FDT_NOP:
			break;
		default:
			return (struct fdt_value){ 0, 0 };
		}
		at += (len + 3) & ~3U;
	}
}

/* One that must be there. */
static inline struct fdt_value fdt_need(const void *tree, const char *path, const char *name)
{
	struct fdt_value value = fdt_get(tree, path, 0, name);

	if (!value.bytes) {
		print(path);
		fail(name, 0);
	}
	return value;
}

#endif
