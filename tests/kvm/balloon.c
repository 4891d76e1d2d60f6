// SPDX-License-Identifier: GPL-2.0-or-later
/* A balloon's driver, which begins when it is told to by a byte. balloon.sh asks it for memory and statistics. */
#include "virtio.h"

#define BALLOON 5
#define PAGES	16

static struct {
	struct vio vio;
	struct vio_queue inflate, deflate, stats;
	u32 pfns[PAGES];
	u8 numbers[10];
	u8 pages[PAGES][4096] __attribute__((aligned(4096)));
} b;

static addr_t config(void)
{
	return b.vio.mmio ? b.vio.mmio + 0x100 : b.vio.device;
}

static void tell_numbers(u64 free)
{
	b.numbers[0] = 4; /* VIRTIO_BALLOON_S_MEMFREE */
	for (u32 i = 0; i < 8; i++)
		b.numbers[2 + i] = free >> 8 * i;
	vio_buffer(&b.stats, 0, b.numbers, sizeof(b.numbers), 0);
	vio_offer(&b.stats, 0);
	vio_kick(&b.vio, 2);
}

static void send_pages(struct vio_queue *queue, u32 number, u32 first, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		b.pfns[i] = gpa(b.pages[first + i]) / 4096;
	vio_buffer(queue, 0, b.pfns, 4 * nr, 0);
	vio_offer(queue, 0);
	vio_kick(&b.vio, number);
	vio_wait(queue);
}

/* As many pages as are wanted are in the balloon. */
static u32 follow(u32 has, u32 wanted)
{
	if (wanted > has)
		send_pages(&b.inflate, 0, has, wanted - has);
	else
		send_pages(&b.deflate, 1, wanted, has - wanted);
	write32(config() + 4, wanted);
	return wanted;
}

void guest_main(addr_t boot)
{
	u16 told = 0;
	u32 has = 0;

	print("deaf\n");
	while (!(uart_read(0, 5) & 1))
		cpu_relax();
	vio_find(&b.vio, BALLOON);
	vio_begin(&b.vio, 1U << 1);
	vio_queue(&b.vio, 0, &b.inflate);
	vio_queue(&b.vio, 1, &b.deflate);
	vio_queue(&b.vio, 2, &b.stats);
	vio_ready(&b.vio);
	tell_numbers(1);
	print("listening\n");
	for (;;) {
		u32 wanted = read32(config());

		if (wanted <= PAGES && wanted != has)
			has = follow(has, wanted);
		if (*(volatile u16 *)&b.stats.used.index != told) {
			told++;
			tell_numbers(123ULL << 20);
		}
		cpu_relax();
	}
}
