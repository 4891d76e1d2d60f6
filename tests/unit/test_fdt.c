// SPDX-License-Identifier: GPL-2.0-or-later
/* The device tree's writer: what libfdt reads back is what was meant. */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lkvm/boot/fdt.h"
#include "test.h"

static void encode(unsigned gsi, bool edge, u32 *cells)
{
	cells[0] = 0;
	cells[1] = gsi;
	cells[2] = edge ? 1 : 4;
}

static const struct fdt_irq_format format = { .cells = 3, .encode = encode };

static const struct device_ops no_ops;

static int node(const struct fdt_tree *tree, const char *path)
{
	int offset = fdt_path_offset(tree->blob, path);

	if (offset < 0)
		fail_msg("%s: %s", path, fdt_strerror(offset));
	return offset;
}

static const void *property(const struct fdt_tree *tree, const char *path, const char *name,
			    int size)
{
	int len;
	const void *data = fdt_getprop(tree->blob, node(tree, path), name, &len);

	assert_non_null(data);
	assert_int_equal(len, size);
	return data;
}

static u32 cell(const struct fdt_tree *tree, const char *path, const char *name, unsigned nr,
		unsigned i)
{
	return fdt32_ld((const fdt32_t *)property(tree, path, name, nr * 4) + i);
}

static void test_values(void **state)
{
	struct fdt_tree tree;

	assert_int_equal(fdt_begin(&tree), 0);
	fdt_u32(&tree, "small", 0x12345678);
	fdt_u64(&tree, "large", 0x123456789abcdef0);
	fdt_text(&tree, "text", "word");
	fdt_empty(&tree, "empty");
	fdt_node(&tree, "a");
	fdt_node_at(&tree, "b", 0xfedc00000);
	fdt_reg(&tree, (const u64[]){ 0xfedc00000, 0x1000 }, 2);
	fdt_node_end(&tree);
	fdt_node_end(&tree);
	assert_int_equal(fdt_end(&tree), 0);
	assert_int_equal(fdt_check_full(tree.blob, fdt_bytes(&tree)), 0);
	assert_int_equal(cell(&tree, "/", "small", 1, 0), 0x12345678);
	assert_int_equal(cell(&tree, "/", "large", 2, 0), 0x12345678);
	assert_int_equal(cell(&tree, "/", "large", 2, 1), 0x9abcdef0);
	assert_string_equal(property(&tree, "/", "text", 5), "word");
	property(&tree, "/", "empty", 0);
	assert_int_equal(cell(&tree, "/a/b@fedc00000", "reg", 4, 0), 0xf);
	assert_int_equal(cell(&tree, "/a/b@fedc00000", "reg", 4, 1), 0xedc00000);
	assert_int_equal(cell(&tree, "/a/b@fedc00000", "reg", 4, 3), 0x1000);
	fdt_free(&tree);
}

/* Every kind of thing a device may say of itself; and one that is not for device trees. */
static void test_devices(void **state)
{
	static const char compatible[] = "arm,pl031\0arm,primecell";
	struct device_list list = TAILQ_HEAD_INITIALIZER(list);
	struct device rtc, disk, port;
	struct fdt_tree tree;

	device_init(&rtc, &no_ops, "rtc");
	rtc.description = (struct device_description){
		.compatible = compatible,
		.compatible_size = sizeof(compatible),
		.where = { RESOURCE_MMIO, 0x1010000, 0x1000 },
		.gsi = 4,
		.node_name = "rtc",
		.clock_name = "apb_pclk",
	};
	device_add(&list, &rtc);
	device_init(&disk, &no_ops, "disk");
	disk.description = (struct device_description){
		.compatible = "virtio,mmio",
		.where = { RESOURCE_MMIO, 0x3000000, 0x200 },
		.gsi = 16,
		.irq_edge = true,
		.node_name = "virtio_mmio",
		.dma_coherent = true,
	};
	device_add(&list, &disk);
	device_init(&port, &no_ops, "port");
	port.description = (struct device_description){
		.compatible = "isa,port",
		.where = { RESOURCE_PORT, 0x70, 2 },
		.gsi = -1,
	};
	device_add(&list, &port);

	assert_int_equal(fdt_begin(&tree), 0);
	fdt_devices(&tree, &list, &format, 3, 4);
	assert_int_equal(fdt_end(&tree), 0);
	assert_memory_equal(property(&tree, "/rtc@1010000", "compatible", sizeof(compatible)),
			    compatible, sizeof(compatible));
	assert_int_equal(cell(&tree, "/rtc@1010000", "interrupts", 3, 1), 4);
	assert_int_equal(cell(&tree, "/rtc@1010000", "interrupts", 3, 2), 4);
	assert_int_equal(cell(&tree, "/rtc@1010000", "clocks", 1, 0), 3);
	assert_int_equal(cell(&tree, "/virtio_mmio@3000000", "interrupts", 3, 2), 1);
	property(&tree, "/virtio_mmio@3000000", "dma-coherent", 0);
	/* Only what reaches memory has a place for it. */
	assert_int_equal(cell(&tree, "/virtio_mmio@3000000", "memory-region", 1, 0), 4);
	assert_null(fdt_getprop(tree.blob, fdt_path_offset(tree.blob, "/rtc@1010000"),
				"memory-region", NULL));
	assert_int_equal(fdt_num_mem_rsv(tree.blob), 0);
	assert_int_equal(fdt_node_offset_by_compatible(tree.blob, -1, "isa,port"),
			 -FDT_ERR_NOTFOUND);
	fdt_free(&tree);
}

static void test_memory(void **state)
{
	static u8 pages[2 * 4096];
	struct guest_memory memory;
	struct fdt_tree tree;

	guest_memory_init(&memory);
	assert_int_equal(guest_memory_add_buffer(&memory, 0x80000000, pages, 4096), 0);
	assert_int_equal(guest_memory_add_buffer(&memory, 0x1000, pages + 4096, 4096), 0);
	memory.regions[0].readonly = true;
	assert_int_equal(fdt_begin(&tree), 0);
	fdt_memory(&tree, &memory);
	assert_int_equal(fdt_end(&tree), 0);
	assert_int_equal(cell(&tree, "/memory@80000000", "reg", 4, 1), 0x80000000);
	assert_int_equal(cell(&tree, "/memory@80000000", "reg", 4, 3), 4096);
	assert_int_equal(fdt_path_offset(tree.blob, "/memory@1000"), -FDT_ERR_NOTFOUND);
	fdt_free(&tree);
}

/* More than there is room for is an error that is said once, at the end. */
static void test_too_large(void **state)
{
	static u8 bytes[4096];
	struct fdt_tree tree;

	assert_int_equal(fdt_begin(&tree), 0);
	for (unsigned i = 0; i < FDT_TREE_MAX / sizeof(bytes) + 1; i++)
		fdt_bytes_of(&tree, "bytes", bytes, sizeof(bytes));
	fdt_u32(&tree, "after", 1);
	assert_int_equal(fdt_end(&tree), -ENOSPC);
	fdt_free(&tree);
}

static void test_dump(void **state)
{
	char path[] = "/tmp/test-fdt.XXXXXX";
	int fd = mkstemp(path);
	struct fdt_tree tree;
	FILE *file;
	u8 head[4];

	assert_true(fd >= 0);
	assert_int_equal(fdt_begin(&tree), 0);
	assert_int_equal(fdt_end(&tree), 0);
	file = fopen(path, "w");
	assert_int_equal(fdt_dump(&tree, file, path), 0);
	fclose(file);
	assert_int_equal(read(fd, head, sizeof(head)), 4);
	assert_memory_equal(head, "\xd0\x0d\xfe\xed", 4);
	assert_int_equal(lseek(fd, 0, SEEK_END), fdt_bytes(&tree));
	close(fd);
	unlink(path);
	file = fopen("/dev/full", "w");
	assert_int_equal(fdt_dump(&tree, file, "/dev/full"), -ENOSPC);
	fclose(file);
	fdt_free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_devices),
		cmocka_unit_test(test_memory), cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
