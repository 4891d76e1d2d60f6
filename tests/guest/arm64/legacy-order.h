/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives a legacy virtio-rng on MMIO, reset by a store of each byte order from some exception level, and
 * speaks to it in that order from then on.
 *
 * An order also holds for the walks of page tables, so the MMU is off while it is not ours: only the
 * registers of the device are accessed then. What is in memory is put into order by hand.
 */
#ifndef GUEST_LEGACY_ORDER_H
#define GUEST_LEGACY_ORDER_H

#include "guest.h"

#define SCTLR_M	  (1ULL << 0)
#define SCTLR_C	  (1ULL << 2)
#define SCTLR_E0E (1ULL << 24)
#define SCTLR_EE  (1ULL << 25)

#define DAIF_MASKED 0x3c0

#define MMIO_MAGIC	 0x000
#define MMIO_VERSION	 0x004
#define MMIO_DEVICE_ID	 0x008
#define MMIO_PAGE_SIZE	 0x028
#define MMIO_QUEUE_SEL	 0x030
#define MMIO_QUEUE_NUM	 0x038
#define MMIO_QUEUE_ALIGN 0x03c
#define MMIO_QUEUE_PFN	 0x040
#define MMIO_NOTIFY	 0x050
#define MMIO_STATUS	 0x070

#define MAGIC	    0x74726976U
#define RNG	    4
#define STATUS_OK   7
#define NEEDS_RESET 0x40
#define PAGE	    4096
#define QUEUE_SIZE  8
#define BYTES	    64

static struct {
	struct {
		u64 address;
		u32 len;
		u16 flags, next;
	} desc[QUEUE_SIZE];
	struct {
		u16 flags, index, ring[QUEUE_SIZE], used_event;
	} avail;
	struct {
		u16 flags, index;
		struct {
			u32 id, len;
		} ring[QUEUE_SIZE];
		u16 avail_event;
	} used __attribute__((aligned(PAGE)));
} queue __attribute__((aligned(PAGE)));

static u8 buffer[BYTES];

/*
 * Where an access is done; an exception brings the CPU back from there. Both are made with SCTLR's value in
 * x12, and leave it as x10, our PSTATE as x11 and our VBAR as it was. Nothing else touches memory.
 */
#define VECTORS(name, lower)                                                                       \
	__asm__("	.balign 2048\n" #name ":\n"                                                \
		"	.rept 8\n"                                                                       \
		"	.balign 128\n"                                                                   \
		"	b .\n"                                                                           \
		"	.endr\n"                                                                         \
		"	.balign 128\n" lower "	.rept 7\n"                                          \
		"	.balign 128\n"                                                                   \
		"	b .\n"                                                                           \
		"	.endr\n"                                                                         \
		"	.balign 128\n")

#define GO_BACK(el, sctlr)                                                                         \
	"	msr " sctlr ", x10\n"                                                              \
	"	msr spsr_" el ", x11\n"                                                            \
	"	msr elr_" el ", x16\n"                                                             \
	"	isb\n"                                                                                   \
	"	eret\n"

#define AT_OUR_LEVEL(sctlr, access)                                                                \
	"	msr " sctlr ", x12\n"                                                              \
	"	isb\n"                                                                                   \
	"	" access "\n"                                                                      \
	"	msr " sctlr ", x10\n"                                                              \
	"	isb\n"

#define BELOW(el, vectors, sctlr, access, back)                                                    \
	"	mrs x14, vbar_" el "\n"                                                            \
	"	adr x13, " vectors "\n"                                                            \
	"	msr vbar_" el ", x13\n"                                                            \
	"	adr x13, 1f\n"                                                                           \
	"	msr elr_" el ", x13\n"                                                             \
	"	adr x16, 2f\n"                                                                           \
	"	msr spsr_" el ", x15\n"                                                            \
	"	msr " sctlr ", x12\n"                                                              \
	"	isb\n"                                                                                   \
	"	eret\n"                                                                                  \
	"1:	" access "\n"                                                                      \
	"	" back " #0\n"                                                                     \
	"2:	msr vbar_" el ", x14\n"                                                            \
	"	isb\n"

#define LOAD  "ldr w1, [x0]"
#define STORE "str w1, [x0]"

struct access {
	addr_t address;
	int writing;
	u32 value;
	u64 sctlr, other_sctlr; /* now, and for the access */
	u64 pstate;		/* for the access; unless at our level */
};

#define ACCESS_WITH(a, ...)                                                                        \
	({                                                                                         \
		register u64 x0 __asm__("x0") = (a)->address;                                      \
		register u32 w1 __asm__("x1") = (a)->value;                                        \
		register u64 x10 __asm__("x10") = (a)->sctlr;                                      \
		register u64 x11 __asm__("x11") = DAIF_MASKED | current_el() << 2 | 1;             \
		register u64 x12 __asm__("x12") = (a)->other_sctlr;                                \
		register u64 x15 __asm__("x15") = (a)->pstate;                                     \
                                                                                                   \
		__asm__ volatile(__VA_ARGS__                                                       \
				 : "+r"(w1)                                                        \
				 : "r"(x0), "r"(x10), "r"(x11), "r"(x12), "r"(x15)                 \
				 : "memory", "x13", "x14", "x16");                                 \
		w1;                                                                                \
	})

/* A place from which the device is accessed, with SCTLR's EE and E0E there being `bits`. */
struct place {
	const char *name;
	u32 (*access)(struct access *a, u64 bits);
	u64 big;      /* the bit that makes its accesses big-endian */
	u64 ring_big; /* and the one that makes a legacy driver's rings so */
};

static u16 order16(int big, u16 value)
{
	return big ? __builtin_bswap16(value) : value;
}

static u32 order32(int big, u32 value)
{
	return big ? __builtin_bswap32(value) : value;
}

static u64 order64(int big, u64 value)
{
	return big ? __builtin_bswap64(value) : value;
}

static void request(addr_t mmio, int big)
{
	volatile u16 *used = &queue.used.index;
	u32 sum = 0;

	queue.desc[0].address = order64(big, (addr_t)buffer);
	queue.desc[0].len = order32(big, BYTES);
	queue.desc[0].flags = order16(big, 2);
	queue.avail.ring[0] = order16(big, 0);
	queue.avail.index = order16(big, 1);
	memory_barrier();
	write32(mmio + MMIO_NOTIFY, 0);
	while (!*used)
		if (read32(mmio + MMIO_STATUS) & NEEDS_RESET)
			fail("the device found something wrong", big);
	memory_barrier();
	CHECK_EQ("used index", *used, order16(big, 1));
	CHECK_EQ("used id", queue.used.ring[0].id, order32(big, 0));
	CHECK_EQ("used len", queue.used.ring[0].len, order32(big, BYTES));
	for (u32 i = 0; i < BYTES; i++)
		sum |= ((volatile u8 *)buffer)[i];
	if (!sum)
		fail("no random bytes", big);
}

static u32 access_from(const struct place *place, u64 bits, addr_t address, int writing, u32 value)
{
	struct access a = { .address = address, .writing = writing, .value = value };

	return place->access(&a, bits);
}

/* All of a driver's life; the device takes its order from the two stores to its status. */
static void drive(addr_t mmio, const struct place *place, u64 bits)
{
	int big = (bits & place->big) != 0, ring_big = (bits & place->ring_big) != 0;

	/* Before the rings change under a device that still looks at them. */
	write32(mmio + MMIO_STATUS, 0);
	for (u32 i = 0; i < sizeof(queue) / 4; i++)
		((volatile u32 *)&queue)[i] = 0;
	for (u32 i = 0; i < BYTES; i++)
		((volatile u8 *)buffer)[i] = 0;
	/* The order is what we think it is: the registers themselves are little-endian always. */
	CHECK_EQ(place->name, access_from(place, bits, mmio + MMIO_MAGIC, 0, 0),
		 order32(big, MAGIC));
	write32(mmio + MMIO_PAGE_SIZE, PAGE);
	access_from(place, bits, mmio + MMIO_STATUS, 1, 0);
	CHECK_EQ("status after a reset", read32(mmio + MMIO_STATUS), 0);
	access_from(place, bits, mmio + MMIO_STATUS, 1, order32(big, 1));
	write32(mmio + MMIO_STATUS, 3);
	write32(mmio + MMIO_QUEUE_SEL, 0);
	write32(mmio + MMIO_QUEUE_NUM, QUEUE_SIZE);
	write32(mmio + MMIO_QUEUE_ALIGN, PAGE);
	write32(mmio + MMIO_QUEUE_PFN, (addr_t)&queue / PAGE);
	write32(mmio + MMIO_STATUS, STATUS_OK);
	CHECK_EQ("status", read32(mmio + MMIO_STATUS), STATUS_OK);
	request(mmio, ring_big);
}

static void legacy_order(const struct place *place)
{
	static const u64 bits[] = { 0, SCTLR_E0E, SCTLR_EE, SCTLR_EE | SCTLR_E0E };
	addr_t mmio = BOARD_VIRTIO_MMIO;

	CHECK_EQ("magic", read32(mmio + MMIO_MAGIC), MAGIC);
	CHECK_EQ("version", read32(mmio + MMIO_VERSION), 1);
	CHECK_EQ("device", read32(mmio + MMIO_DEVICE_ID), RNG);
	for (u32 i = 0; i < ARRAY_SIZE(bits); i++)
		drive(mmio, place, bits[i]);
	print(place->name);
	print(" ok\n");
}

#endif
