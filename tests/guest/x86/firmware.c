// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a firmware finds, from inside a firmware image (rom.S; firmware.sh tells how it is started): fw_cfg through
 * its ports and by DMA, the chipset's face, a second configuration space, the PM timer, the debug port. The
 * first life spoils the image and resets, the second one powers off the chipset's way.
 */
#include "guest.h"
#include "lives.h"

#define SPOIL	0xffffffe0
#define SPOILED 0x5a /* what it is in the image */

#define KEY_SIGNATURE	 0x00
#define KEY_CPUS	 0x05
#define KEY_KERNEL_SIZE	 0x08
#define KEY_INITRD_SIZE	 0x0b
#define KEY_KERNEL	 0x11
#define KEY_INITRD	 0x12
#define KEY_CMDLINE_SIZE 0x14
#define KEY_CMDLINE	 0x15
#define KEY_DIRECTORY	 0x19

#define DMA_ERROR  1
#define DMA_READ   2
#define DMA_SELECT 8
#define DMA_WRITE  16

#define PCIEXBAR 0x60
#define MOVED	 0xb0000000
#define PM1	 (BOARD_PORT_PM + 4)
#define PM_TIMER (BOARD_PORT_PM + 8)

static struct {
	u32 control, length;
	u32 high, low;
} descriptor;

static struct {
	u32 size;
	u16 key, reserved;
	char name[56];
} directory[24];

static u8 bytes[70000];

static u32 swap(u32 value)
{
	return __builtin_bswap32(value);
}

/* The control word's answer. The second register's write begins; nothing is to be waited for. */
static u32 dma(u32 control, u32 length, u64 address)
{
	descriptor.control = swap(control);
	descriptor.length = swap(length);
	descriptor.high = swap(address >> 32);
	descriptor.low = swap(address);
	memory_barrier();
	outl(BOARD_PORT_FW_CFG + 4, 0);
	outl(BOARD_PORT_FW_CFG + 8, swap((u32)&descriptor));
	memory_barrier();
	return swap(descriptor.control);
}

static u32 read_item(u16 key, volatile void *to, u32 length)
{
	return dma((u32)key << 16 | DMA_SELECT | DMA_READ, length, (u32)to);
}

static u32 number(u16 key)
{
	u32 value;

	CHECK_EQ("DMA of a number", read_item(key, &value, 4), 0);
	return value;
}

static u32 same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static u32 sum(u32 length)
{
	u32 value = 0;

	for (u32 i = 0; i < length; i++)
		value += bytes[i];
	return value;
}

static void say(const char *what, u32 value)
{
	print(what);
	print_hex(value);
	print("\n");
}

static void by_ports(void)
{
	outw(BOARD_PORT_FW_CFG, KEY_SIGNATURE);
	CHECK_EQ("Q", inb(BOARD_PORT_FW_CFG + 1), 'Q');
	CHECK_EQ("E", inb(BOARD_PORT_FW_CFG + 1), 'E');
	say("cpus ", number(KEY_CPUS));
}

/* The key of an item with that name; its size goes to `size`. */
static u16 find(const char *name, u32 *size)
{
	u32 count;

	CHECK_EQ("DMA of the directory", read_item(KEY_DIRECTORY, &count, 4), 0);
	count = swap(count);
	CHECK_EQ("how many there may be", count > ARRAY_SIZE(directory), 0);
	CHECK_EQ("DMA of its entries", dma(DMA_READ, count * sizeof(*directory), (u32)directory), 0);
	for (u32 i = 0; i < count; i++) {
		if (!same(directory[i].name, name))
			continue;
		*size = swap(directory[i].size);
		return directory[i].key >> 8 | directory[i].key << 8;
	}
	fail("no item has that name", count);
	return 0;
}

/* One line for each entry: address, size, both in hexadecimal. */
static void memory_map(void)
{
	struct {
		u32 base, base_high, size, size_high, type;
	} *entry = (void *)bytes;
	u32 size;
	u16 key = find("etc/e820", &size);

	CHECK_EQ("DMA of the map", read_item(key, bytes, size), 0);
	for (; size >= sizeof(*entry); size -= sizeof(*entry), entry++) {
		if (entry->type != 1)
			continue;
		print("ram ");
		print_hex(entry->base_high);
		print_hex(entry->base);
		print(" ");
		print_hex(entry->size_high);
		print_hex(entry->size);
		print("\n");
	}
}

static void files(void)
{
	u32 size = number(KEY_KERNEL_SIZE);

	CHECK_EQ("the kernel's size", size > sizeof(bytes), 0);
	CHECK_EQ("DMA of the kernel", read_item(KEY_KERNEL, bytes, size), 0);
	say("kernel size ", size);
	say("kernel sum ", sum(size));
	size = number(KEY_INITRD_SIZE);
	CHECK_EQ("the initrd's size", size > sizeof(bytes), 0);
	CHECK_EQ("DMA of the initrd", read_item(KEY_INITRD, bytes, size), 0);
	say("initrd size ", size);
	say("initrd sum ", sum(size));
	CHECK_EQ("DMA of the command line",
		 read_item(KEY_CMDLINE, bytes, number(KEY_CMDLINE_SIZE)), 0);
	print("command line ");
	print((char *)bytes);
	print("\n");
}

/* What no memory is cannot be read into; nothing can be written. */
static void wrong_dma(void)
{
	CHECK_EQ("into MMIO", dma(KEY_CMDLINE << 16 | DMA_SELECT | DMA_READ, 4, 0xfed80000), DMA_ERROR);
	CHECK_EQ("around the end", dma(DMA_READ, 0xffffffff, ~0ULL - 16), DMA_ERROR);
	CHECK_EQ("a write", dma(DMA_WRITE, 4, (u32)bytes), DMA_ERROR);
	outl(BOARD_PORT_FW_CFG + 4, 0xffffffff);
	outl(BOARD_PORT_FW_CFG + 8, 0xffffffff);
}

static u32 config(u32 slot, u32 at)
{
	outl(0xcf8, 0x80000000 | slot << 11 | at);
	return inl(0xcfc);
}

static void chipset(void)
{
	CHECK_EQ("host bridge", config(0, 0), 0x29c08086);
	CHECK_EQ("ISA bridge", config(31, 0), 0x29188086);
	CHECK_EQ("nothing there yet", read32(MOVED), 0xffffffff);
	outl(0xcf8, 0x80000000 | PCIEXBAR);
	outl(0xcfc, MOVED | 1);
	CHECK_EQ("configuration space where it is wanted", read32(MOVED), 0x29c08086);
	CHECK_EQ("and the ISA bridge in it", read32(MOVED + (31 << 15)), 0x29188086);
	CHECK_EQ("and where it was", read32(BOARD_ECAM), 0x29c08086);
}

/* 3.58 MHz, 24 bits: that it goes on. */
static void timer(void)
{
	u32 begin = inl(PM_TIMER);

	CHECK_EQ("24 bits", begin >> 24, 0);
	while (((inl(PM_TIMER) - begin) & 0xffffff) < 3580)
		cpu_relax();
}

static void debug_port(void)
{
	const char *line = "said through the debug port\n";

	say("debug port ", inb(BOARD_PORT_DEBUG));
	while (*line)
		outb(BOARD_PORT_DEBUG, *line++);
}

void guest_main(addr_t boot)
{
	u32 life = life_begin();

	CHECK_EQ("the image is whole", read8(SPOIL), SPOILED);
	by_ports();
	memory_map();
	files();
	wrong_dma();
	chipset();
	timer();
	debug_port();
	/* No memory of this program is behind 4 GiB: that some is there the answer tells. */
	say("a page at 4 GiB ", dma(KEY_CMDLINE << 16 | DMA_SELECT | DMA_READ, 4, 1ULL << 32));
	if (life == 1) {
		write8(SPOIL, 0);
		reset();
	}
	print("second life\n");
	outw(PM1, 1 << 13);
	stop();
}
