/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Short integer names, as in the specifications, and the few macros every room uses. */
#ifndef LKVM_UTIL_TYPES_H
#define LKVM_UTIL_TYPES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

/* Little-endian on the wire or in guest memory: convert with le16toh() and friends. */
typedef uint16_t le16;
typedef uint32_t le32;
typedef uint64_t le64;

/* A guest physical address, in bytes. */
typedef u64 gpa_t;

#define ARRAY_SIZE(a)	      (sizeof(a) / sizeof((a)[0]))
#define BIT(n)		      (1ULL << (n))
#define ALIGN_UP(x, a)	      (((x) + ((__typeof__(x))(a)-1)) & ~((__typeof__(x))(a)-1))
#define ALIGN_DOWN(x, a)      ((x) & ~((__typeof__(x))(a)-1))
#define IS_ALIGNED(x, a)      (((x) & ((__typeof__(x))(a)-1)) == 0)
#define IS_POWER_OF_2(x)      ((x) != 0 && ((x) & ((x)-1)) == 0)
#define SIZE_OF(t, m)	      sizeof(((t *)0)->m)
#define CONTAINER_OF(p, t, m) ((t *)((char *)(p)-offsetof(t, m)))
#define MIN(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) min_a_ = (a);                                                        \
		__typeof__(b) min_b_ = (b);                                                        \
		min_a_ < min_b_ ? min_a_ : min_b_;                                                 \
	})
#define MAX(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) max_a_ = (a);                                                        \
		__typeof__(b) max_b_ = (b);                                                        \
		max_a_ > max_b_ ? max_a_ : max_b_;                                                 \
	})

#define KIB(n) ((u64)(n) << 10)
#define MIB(n) ((u64)(n) << 20)
#define GIB(n) ((u64)(n) << 30)

#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))
#define __must_check	    __attribute__((warn_unused_result))
#define __packed	    __attribute__((packed))

#endif
