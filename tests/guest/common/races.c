// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All CPUs at once do whatever a random number tells them to all devices: resets, queues with rings that
 * lie over each other, kicks, BARs that are moved over each other and over what is not theirs, MSI-X
 * tables, configuration space, the platform's own registers. Then, with requests still in flight, the machine is reset; after
 * some lives everything must work as on the first day. The seed is the life's number: what happens is the
 * same each time but for what the CPUs make of each other.
 */
#include "guest.h"
#include "lives.h"
#include "races.h"
#include "smp.h"
#include "virtio.h"

#define CPUS  4
#define LIVES 3
#define OPS   60

/* All that devices are told of lies here, so that they write nowhere else. */
#define AREA	  (RAM + 0x1000000UL)
#define AREA_SIZE 0x10000UL

static struct vio devices[6];
static u32 nr_devices;
static volatile u8 done[CPUS];
static volatile u32 life;
static struct vio_queue queue;
static u8 buffer[64];

static u32 random(u32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static addr_t in_area(u32 r)
{
	return AREA + (r % AREA_SIZE & ~15U);
}

static void scribble(u32 *state)
{
	addr_t at = in_area(random(state));

	switch (random(state) % 3) {
	case 0: /* a descriptor, or a few in a row */
		for (u32 i = 0; i < 4 && at + 16 <= AREA + AREA_SIZE; i++, at += 16) {
			write32(at, in_area(random(state)));
			write32(at + 4, (u64)AREA >> 32);
			write32(at + 8, random(state) % 2048);
			write32(at + 12, (random(state) & 7) | random(state) % 16 << 16);
		}
		break;
	case 1: /* an avail ring that moves on */
		write16(at + 2, read16(at + 2) + 1);
		break;
	case 2: /* the header of a disk's request */
		write32(at, random(state) % 16);
		write32(at + 8, random(state) % 4096);
		write32(at + 12, 0);
		break;
	}
}

static void set_up(const struct vio *v, u32 *state)
{
	addr_t base = in_area(random(state)) & ~0xfffUL;

	vio_set_status(v, 0);
	vio_set_status(v, VIO_ACKNOWLEDGE | VIO_DRIVER);
	for (u32 i = 0; i < 2; i++) {
		write32(v->mmio ? v->mmio + 0x24 : v->common + 8, i);
		write32(v->mmio ? v->mmio + 0x20 : v->common + 12,
			i ? 1 : random(state) & (3U << 28));
	}
	vio_set_status(v, VIO_ACKNOWLEDGE | VIO_DRIVER | VIO_FEATURES_OK);
	for (u32 i = 0; i < 3; i++)
		vio_enable(v, i, VIO_SIZE, base, base + (random(state) % 0x800 & ~1U),
			   base + (random(state) % 0x800 & ~3U));
	vio_ready(v);
}

static void poke_virtio(const struct vio *v, u32 *state)
{
	switch (random(state) % 8) {
	case 0:
		set_up(v, state);
		break;
	case 1:
		vio_set_status(v, random(state) & 15);
		break;
	case 2:
		if (v->mmio)
			write32(v->mmio + (random(state) % 0x200 & ~3U), random(state));
		else
			write16(v->common + (random(state) % 64 & ~1U), random(state) % 8);
		break;
	case 3:
		if (v->mmio)
			write32(v->mmio + 0x44, random(state) & 1);
		else
			write32(v->common + (random(state) % 64 & ~3U), random(state));
		break;
	case 4:
		(void)read32(v->mmio ? v->mmio + (random(state) % 0x200 & ~3U)
				     : v->common + (random(state) % 64 & ~(MMIO_ALIGNED * 3U)));
		if (v->isr)
			(void)read8(v->isr);
		break;
	default:
		vio_kick(v, random(state) % 4);
	}
}

static void poke_pci(const struct vio *v, u32 *state)
{
	static const u32 places[] = {
		BOARD_PCI_MMIO,	     BOARD_PCI_MMIO + 0x4000,  BOARD_PCI_MMIO + 0x8000,
		BOARD_ECAM - 0x4000, RAM + 0x100000,	       NO_RAM,
		0xffffc000,	     BOARD_PCI_MMIO + 0x10000, 0,
	};
	u32 r = random(state);

	if (v->mmio)
		return;
	switch (r >> 8 & 7) {
	case 0:
		pci_set_config(v->slot, 0x10 + 4 * (r % 6), places[(r >> 16) % ARRAY_SIZE(places)]);
		break;
	case 1:
		pci_set_config(v->slot, 4, r >> 16 & 7);
		break;
	case 2:
		pci_set_config(v->slot, 4, 6);
		break;
	case 3: /* MSI-X: any entry, but no NMI, SMI or INIT of our own making */
		write32(v->msix + 16 * (r % 4), MSI_PLACE | (r >> 3 & 0xff000));
		write32(v->msix + 16 * (r % 4) + 8, r >> 16 & ~0x700U);
		write32(v->msix + 16 * (r % 4) + 12, r >> 20 & 1);
		break;
	case 4:
		/* Enable and mask-all of whatever capability it is. */
		pci_set_config(v->slot, 0x98 + (r % 8) * 4, r);
		break;
	default: /* the window to the BAR among them */
		pci_set_config(v->slot, r % 256 & ~3U, random(state) & ~0x700U);
	}
}

static void work(u32 cpu)
{
	u32 state = (life + 1) * 2654435761U + cpu * 40503;

	for (u32 i = 0; i < OPS; i++) {
		const struct vio *v = &devices[random(&state) % nr_devices];

		scribble(&state);
		switch (random(&state) % 8) {
		case 0:
			poke_platform(random(&state));
			break;
		case 1:
		case 2:
			poke_pci(v, &state);
			break;
		default:
			poke_virtio(v, &state);
		}
	}
	done[cpu] = 1;
	/* Whoever is done goes on with kicks: the reset comes while queues are at work. */
	while (cpu)
		vio_kick(&devices[random(&state) % nr_devices], random(&state) % 4);
}

static void find_all(void)
{
	static const u32 types[] = { VIO_NET, VIO_BLK, VIO_CONSOLE, VIO_RNG };

	for (u32 i = 0; i < ARRAY_SIZE(types); i++)
		if (vio_pci(&devices[nr_devices], types[i]) ||
		    vio_mmio(&devices[nr_devices], types[i]))
			nr_devices++;
}

static void works(void)
{
	struct vio v;

	vio_find(&v, VIO_RNG);
	vio_begin(&v, 0);
	vio_queue(&v, 0, &queue);
	vio_ready(&v);
	vio_buffer(&queue, 0, buffer, sizeof(buffer), VIO_WRITE);
	vio_offer(&queue, 0);
	vio_kick(&v, 0);
	vio_wait(&queue);
	CHECK_EQ("bytes of the rng", queue.used.ring[0].len, sizeof(buffer));
}

void guest_main(addr_t boot)
{
	life = life_begin() - 1;
	find_all();
	if (nr_devices < 2)
		fail("devices", nr_devices);
	works();
	if (life == LIVES) {
		print("races ok\n");
		power_off();
	}
	for (u32 cpu = 1; cpu < CPUS; cpu++)
		smp_start(cpu, work);
	work(0);
	for (u32 cpu = 0; cpu < CPUS; cpu++)
		while (!done[cpu])
			cpu_relax();
	reset();
}
