// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <sys/random.h>

#include "lkvm/boot/chosen.h"
#include "lkvm/boot/fdt.h"

#define RNG_SEED_SIZE 32

static void random_property(struct fdt_tree *tree, const char *name, size_t size)
{
	u8 seed[RNG_SEED_SIZE];

	if (getrandom(seed, size, GRND_NONBLOCK) == (ssize_t)size)
		fdt_bytes_of(tree, name, seed, size);
}

void fdt_chosen(struct fdt_tree *tree, const struct fdt_chosen *chosen)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/serial@%llx", chosen->bus,
		 (unsigned long long)chosen->console);
	fdt_node(tree, "chosen");
	fdt_text(tree, "bootargs", chosen->cmdline);
	fdt_text(tree, "stdout-path", path);
	if (chosen->initrd_size) {
		fdt_u64(tree, "linux,initrd-start", chosen->initrd);
		fdt_u64(tree, "linux,initrd-end", chosen->initrd + chosen->initrd_size);
	}
	/* One for where the kernel goes, one for its random numbers. */
	if (chosen->kaslr_seed)
		fdt_u64(tree, "kaslr-seed", *chosen->kaslr_seed);
	else
		random_property(tree, "kaslr-seed", sizeof(u64));
	random_property(tree, "rng-seed", RNG_SEED_SIZE);
	fdt_node_end(tree);
}
